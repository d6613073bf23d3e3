// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TrustListBase} from "./TrustListBase.sol";
import {IConsortium} from "./interfaces/IConsortium.sol";
import {
    ITrustList, QUALIFICATION_CERTIFICATION, QUALIFICATION_GOVERNMENT, SERVICE_CA, SERVICE_GRANTED,
    SERVICE_SEAL_MAKER, SERVICE_SUSPENDED, SERVICE_WITHDRAWN
} from "./interfaces/ITrustList.sol";

/// @title TrustList: the acts
contract TrustList is TrustListBase {
    uint8 private constant HIGHEST_LEVEL = 4;

    constructor(IConsortium consortium_) TrustListBase(consortium_) {}

    /// @inheritdoc ITrustList
    function listService(bytes32 certificate, Listing calldata listing) external onlyCouncil {
        uint8 serviceType = listing.serviceType;
        if (serviceType < SERVICE_CA || serviceType > SERVICE_SEAL_MAKER) revert ServiceTypeUnknown(serviceType);
        _checkProvider(listing.provider);
        _checkDigest(certificate);
        _checkDigest(listing.key);
        _checkDigest(listing.name);
        _checkDigest(listing.document);
        Service storage service = _services[certificate];
        if (service.count != 0) revert ServiceKnown(certificate);
        Key storage key = _keys[listing.key];
        if (key.compromisedSince != 0) revert KeyNotTrusted(listing.key, key.compromisedSince);
        if (key.since == 0) key.since = uint40(block.timestamp);
        service.serviceType = serviceType;
        (service.provider, service.key) = (listing.provider, listing.key);
        (service.name, service.document) = (listing.name, listing.document);
        emit ServiceListed(
            certificate, listing.provider, listing.key, serviceType, listing.name, listing.document
        );
        _setStatus(certificate, service, SERVICE_GRANTED);
    }

    /// @inheritdoc ITrustList
    function describeService(bytes32 certificate, bytes32 document) external onlyCouncil {
        _checkDigest(document);
        _listed(certificate).document = document;
        emit ServiceDescribed(certificate, document);
    }

    /// @inheritdoc ITrustList
    function setServiceStatus(bytes32 certificate, uint8 status) external onlyCouncil {
        if (status < SERVICE_GRANTED || status > SERVICE_WITHDRAWN) revert ServiceStatusUnknown(status);
        Service storage service = _listed(certificate);
        if (service.status == status) revert ServiceStatusStands(certificate, status);
        _setStatus(certificate, service, status);
    }

    /// @inheritdoc ITrustList
    function bar(bytes32 certificate) external onlyCouncil {
        Service storage service = _listed(certificate);
        // No error where there is nothing to stop: it would undo the other bars of an emergency.
        if (service.status == SERVICE_GRANTED) _setStatus(certificate, service, SERVICE_SUSPENDED);
    }

    /// @inheritdoc ITrustList
    function compromiseKey(bytes32 key, uint40 since) external onlyCouncil {
        if (_keys[key].since == 0) revert KeyUnknown(key);
        if (since == 0 || since > block.timestamp) revert SinceOutOfRange(since);
        uint40 current = _keys[key].compromisedSince;
        if (current != 0 && since >= current) revert NotEarlier(current, since);
        _keys[key].compromisedSince = since;
        emit KeyCompromised(key, since);
    }

    /// @inheritdoc ITrustList
    function qualify(
        bytes32 id,
        bytes32 provider,
        uint8 qualificationType,
        bytes32 number,
        uint40 from,
        uint40 until
    ) external onlyCouncil {
        if (qualificationType < QUALIFICATION_CERTIFICATION || qualificationType > QUALIFICATION_GOVERNMENT) {
            revert QualificationTypeUnknown(qualificationType);
        }
        _checkProvider(provider);
        _checkDigest(id);
        _checkDigest(number);
        if (_qualifications[id].from != 0) revert QualificationKnown(id);
        from = _window(from, until);
        _qualifications[id] = Qualification(qualificationType, from, until, provider, number);
        emit Qualified(id, provider, qualificationType, number, from, until);
    }

    /// @inheritdoc ITrustList
    function endQualification(bytes32 id, uint40 until) external onlyCouncil {
        Qualification storage qualification = _qualifications[id];
        if (qualification.from == 0) revert QualificationUnknown(id);
        qualification.until = _earlierEnd(qualification.until, until);
        emit QualificationEnded(id, qualification.provider, qualification.until);
    }

    /// @inheritdoc ITrustList
    function setAuthority(bytes32 jurisdiction, address account) external onlyCouncil {
        if (jurisdiction[0] == 0) revert JurisdictionInvalid(jurisdiction);
        bytes32 organisation = account == address(0) ? bytes32(0) : _speaksFor(account);
        _authorities[jurisdiction] = Authority(account, organisation);
        emit AuthorityAppointed(jurisdiction, account, organisation);
    }

    /// @inheritdoc ITrustList
    function recognise(Terms calldata terms, uint40 from, uint40 until) external {
        _checkAuthority(terms.jurisdiction);
        if (terms.purpose == 0) revert PurposeMissing();
        if (terms.level == 0 || terms.level > HIGHEST_LEVEL) revert LevelOutOfRange(terms.level);
        _checkDigest(terms.agreement);
        _checkTrusted(terms.certificate);
        bytes32 id = keccak256(abi.encode(terms));
        if (_recognitions[id].from != 0) revert RecognitionKnown(id);
        from = _window(from, until);
        _recognitions[id] = Window(from, until);
        emit Recognised(
            terms.jurisdiction,
            terms.certificate,
            terms.agreement,
            terms.purpose,
            terms.level,
            msg.sender,
            from,
            until
        );
    }

    /// @inheritdoc ITrustList
    function endRecognition(Terms calldata terms, uint40 until) external {
        _checkAuthority(terms.jurisdiction);
        bytes32 id = keccak256(abi.encode(terms));
        Window storage window = _recognitions[id];
        if (window.from == 0) revert RecognitionUnknown(id);
        until = _earlierEnd(window.until, until);
        window.until = until;
        emit RecognitionEnded(
            terms.jurisdiction, terms.certificate, terms.agreement, terms.purpose, terms.level, msg.sender, until
        );
    }

    /// @inheritdoc ITrustList
    function publish(uint64 number, bytes32 document, uint40 nextUpdate) external onlyCouncil {
        _checkDigest(document);
        if (number <= _published.number) revert ListNotNewer(_published.number, number);
        if (nextUpdate <= block.timestamp) revert NextUpdatePassed(nextUpdate);
        _published = Publication(number, uint40(block.timestamp), nextUpdate, document);
        emit ListPublished(number, document, uint40(block.timestamp), nextUpdate);
    }
}
