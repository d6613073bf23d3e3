// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Organisations} from "./Organisations.sol";
import {IConsortium, KIND_FREEZE, KIND_STATUS, KIND_TOMBSTONE, PERMISSION_ANCHOR} from "./interfaces/IConsortium.sol";

/// @title Consortium: beside its organisations, their signing certificates and accreditations, all dated
contract Consortium is Organisations {
    uint256 private constant MOST_SIGNERS = 8;

    mapping(bytes32 organisation => mapping(bytes32 certificate => Signer)) private _signers;
    mapping(bytes32 id => Accreditation) private _accreditations;
    mapping(bytes32 organisation => bytes32[] ids) private _freezeAccreditations;

    constructor(address council_) Organisations(council_) {}

    /// @inheritdoc IConsortium
    function bindSigner(bytes32 organisation, bytes32 certificate, uint40 from, uint40 until) external onlyCouncil {
        _checkRegistered(organisation);
        if (certificate == 0) revert SignerNotBound(organisation, certificate);
        Signer storage signer = _signers[organisation][certificate];
        if (signer.from != 0) revert SignerKnown(organisation, certificate);
        from = _window(from, until);
        (signer.from, signer.until) = (from, until);
        emit SignerBound(organisation, certificate, from, until);
    }

    /// @inheritdoc IConsortium
    function endSigner(bytes32 organisation, bytes32 certificate, uint40 until) external onlyCouncil {
        Signer storage signer = _boundSigner(organisation, certificate);
        signer.until = _earlierEnd(signer.until, until);
        emit SignerEnded(organisation, certificate, signer.until);
    }

    /// @inheritdoc IConsortium
    function compromiseSigner(bytes32 organisation, bytes32 certificate, uint40 since) external onlyCouncil {
        Signer storage signer = _boundSigner(organisation, certificate);
        if (since == 0 || since > block.timestamp) revert SinceOutOfRange(since);
        uint40 current = signer.compromisedSince;
        if (current != 0 && since >= current) revert NotEarlier(current, since);
        signer.compromisedSince = since;
        emit SignerCompromised(organisation, certificate, since);
    }

    /// @inheritdoc IConsortium
    function accredit(
        bytes32 id,
        bytes32 organisation,
        uint16 kind,
        bytes32 jurisdiction,
        bytes32 scope,
        uint40 from,
        uint40 until
    ) external onlyCouncil {
        _checkRegistered(organisation);
        if (id == 0) revert AccreditationMissing(id);
        if (_accreditations[id].organisation != 0) revert AccreditationKnown(id);
        from = _window(from, until);
        _accreditations[id] = Accreditation(organisation, kind, from, until);
        if (kind == KIND_FREEZE) _freezeAccreditations[organisation].push(id);
        emit Accredited(id, organisation, kind, jurisdiction, scope, from, until);
    }

    /// @inheritdoc IConsortium
    function endAccreditation(bytes32 id, uint40 until) external onlyCouncil {
        Accreditation storage accreditation = _accreditations[id];
        if (accreditation.organisation == 0) revert AccreditationMissing(id);
        accreditation.until = _earlierEnd(accreditation.until, until);
        emit AccreditationEnded(id, accreditation.organisation, accreditation.until);
    }

    /// @inheritdoc IConsortium
    function anchoringOrganisation(address account, bytes32 accreditation, uint16 kind, bytes32[] calldata signers)
        external
        view
        returns (bytes32 organisation)
    {
        organisation = actingOrganisation(account, PERMISSION_ANCHOR);
        if (kind == KIND_STATUS || kind == KIND_TOMBSTONE) {
            if (accreditation != 0) revert AccreditationOfOtherKind(accreditation, kind);
        } else {
            checkAccreditation(organisation, accreditation, kind);
        }
        if (signers.length == 0) revert NoSigners();
        if (signers.length > MOST_SIGNERS) revert SignersTooMany(signers.length, MOST_SIGNERS);
        for (uint256 i = 0; i < signers.length; ++i) {
            for (uint256 j = 0; j < i; ++j) if (signers[i] == signers[j]) revert SignerRepeated(signers[i]);
            Signer memory signer = _boundSigner(organisation, signers[i]);
            if (!_current(signer.from, signer.until) || signer.compromisedSince != 0) {
                revert SignerNotCurrent(organisation, signers[i]);
            }
        }
    }

    /// @inheritdoc IConsortium
    function checkAccreditation(bytes32 organisation, bytes32 id, uint16 kind) public view {
        Accreditation memory accreditation = _accreditations[id];
        if (accreditation.organisation == 0) revert AccreditationMissing(id);
        if (accreditation.organisation != organisation) revert AccreditationNotOfOrganisation(id, organisation);
        if (accreditation.kind != kind) revert AccreditationOfOtherKind(id, kind);
        if (!_current(accreditation.from, accreditation.until)) revert AccreditationNotCurrent(id);
    }

    /// @inheritdoc IConsortium
    function isCourt(bytes32 organisation) external view returns (bool) {
        if (_isBarred(organisation)) return false;
        bytes32[] storage ids = _freezeAccreditations[organisation];
        for (uint256 i = ids.length; i != 0; --i) {
            Accreditation storage accreditation = _accreditations[ids[i - 1]];
            if (_current(accreditation.from, accreditation.until)) return true;
        }
        return false;
    }

    /// @inheritdoc IConsortium
    function signerOf(bytes32 organisation, bytes32 certificate) external view returns (Signer memory) {
        return _signers[organisation][certificate];
    }

    /// @inheritdoc IConsortium
    function accreditationOf(bytes32 id) external view returns (Accreditation memory) {
        return _accreditations[id];
    }

    function _boundSigner(bytes32 organisation, bytes32 certificate) private view returns (Signer storage signer) {
        signer = _signers[organisation][certificate];
        if (signer.from == 0) revert SignerNotBound(organisation, certificate);
    }

    function _window(uint40 from, uint40 until) private view returns (uint40) {
        if (from < block.timestamp) from = uint40(block.timestamp);
        if (until <= from) revert WindowEmpty(from, until);
        return from;
    }

    function _earlierEnd(uint40 current, uint40 offered) private view returns (uint40) {
        if (offered < block.timestamp) offered = uint40(block.timestamp);
        if (offered >= current) revert NotEarlier(current, offered);
        return offered;
    }

    function _current(uint40 from, uint40 until) private view returns (bool) {
        return from <= block.timestamp && block.timestamp < until;
    }
}
