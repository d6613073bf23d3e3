// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IConsortium} from "./IConsortium.sol";

// Types of service (ETSI TS 119 612 clause 5.5.1; makers of e-seals: GB/T 38540).
uint8 constant SERVICE_CA = 1;
uint8 constant SERVICE_OCSP = 2;
uint8 constant SERVICE_TSA = 3;
uint8 constant SERVICE_SEAL_MAKER = 4;

// Statuses of a service.
uint8 constant SERVICE_GRANTED = 1;
uint8 constant SERVICE_SUSPENDED = 2;
uint8 constant SERVICE_WITHDRAWN = 3;

// Qualifications of a provider: 电子认证服务许可 and 电子政务电子认证服务机构.
uint8 constant QUALIFICATION_CERTIFICATION = 1;
uint8 constant QUALIFICATION_GOVERNMENT = 2;

/// @title Which trust services there are, in which state since when, and which jurisdiction recognises them for what
/// @notice Digests only: whatever has words (names, numbers, addresses, policies, agreements) is a document off chain.
/// A service is known by the SHA-256 of its certificate's DER, its key by that of the SubjectPublicKeyInfo's DER.
/// Provider ids and jurisdictions are ASCII, left-aligned, zero-padded. Instants are seconds UTC. A window runs from
/// `from` until just before `until`; `type(uint40).max` is open. Nothing begins or ends before the block that writes
/// it: an earlier instant, and 0, becomes that block's. Only a compromise may be dated back. Entries are written once,
/// their ends and compromises move only to earlier instants, and every status is an entry of the service's history.
/// The council writes what concerns all; a recognition only the recognising jurisdiction's authority.
interface ITrustList {
    /// @notice What a service is listed as.
    /// @param provider id of the organisation that offers it, whether or not it is in the consortium
    /// @param serviceType 1 CA, 2 OCSP, 3 TSA, 4 seal maker
    /// @param key SHA-256 of the DER of the certificate's SubjectPublicKeyInfo
    /// @param name SHA-256 of the DER of the certificate's subject
    /// @param document SHA-256 of the canonical description of the service
    struct Listing {
        bytes32 provider;
        uint8 serviceType;
        bytes32 key;
        bytes32 name;
        bytes32 document;
    }

    /// @notice What is stored of a service. `count` 0: not listed.
    /// @param status 1 granted, 2 suspended, 3 withdrawn; holds from `since`, the time of the block that wrote it
    /// @param count number of statuses so far
    /// @param history keccak256(abi.encode(history before, status, since))
    struct Service {
        uint8 serviceType;
        uint8 status;
        uint40 since;
        uint32 count;
        bytes32 provider;
        bytes32 key;
        bytes32 name;
        bytes32 document;
        bytes32 history;
    }

    /// @notice A key, which a renewed certificate shares with the one before. `since` 0: of no service;
    /// `compromisedSince` 0: not compromised.
    struct Key {
        uint40 since;
        uint40 compromisedSince;
    }

    /// @notice A provider's qualification. `from` 0: unknown.
    /// @param qualificationType 1 电子认证服务许可, 2 电子政务电子认证服务机构
    /// @param number SHA-256 of the number it was given under
    struct Qualification {
        uint8 qualificationType;
        uint40 from;
        uint40 until;
        bytes32 provider;
        bytes32 number;
    }

    /// @notice Who writes recognitions for a jurisdiction. `account` 0: nobody.
    struct Authority {
        address account;
        bytes32 organisation;
    }

    /// @notice What is recognised.
    /// @param jurisdiction the recognising one
    /// @param certificate the service
    /// @param purpose number of a record kind, or above 255 of another purpose; never 0
    /// @param level of assurance, 1 to 4
    /// @param agreement SHA-256 of the agreement or decision it rests on
    struct Terms {
        bytes32 jurisdiction;
        bytes32 certificate;
        uint16 purpose;
        uint8 level;
        bytes32 agreement;
    }

    /// @notice When a recognition holds. `from` 0: there is none.
    struct Window {
        uint40 from;
        uint40 until;
    }

    /// @notice The newest list published. `number` 0: none yet.
    struct Publication {
        uint64 number;
        uint40 issued;
        uint40 nextUpdate;
        bytes32 document;
    }

    /// @notice The service is listed; its first status follows.
    event ServiceListed(
        bytes32 indexed certificate,
        bytes32 indexed provider,
        bytes32 indexed key,
        uint8 serviceType,
        bytes32 name,
        bytes32 document
    );
    /// @notice Another description of the service holds.
    event ServiceDescribed(bytes32 indexed certificate, bytes32 document);
    /// @notice The service has this status from `since`; `count` numbers its statuses from 1.
    event ServiceStatusChanged(bytes32 indexed certificate, uint8 status, uint40 since, uint32 count);
    /// @notice The key is not to be trusted from `since` on, in any certificate.
    event KeyCompromised(bytes32 indexed key, uint40 since);
    /// @notice The provider holds this qualification in this window.
    event Qualified(
        bytes32 indexed id,
        bytes32 indexed provider,
        uint8 indexed qualificationType,
        bytes32 number,
        uint40 from,
        uint40 until
    );
    /// @notice The qualification ends earlier than before.
    event QualificationEnded(bytes32 indexed id, bytes32 indexed provider, uint40 until);
    /// @notice The account, alone, writes the jurisdiction's recognitions; zero: nobody.
    event AuthorityAppointed(bytes32 indexed jurisdiction, address indexed account, bytes32 indexed organisation);
    /// @notice The jurisdiction recognises the service for this purpose at this level.
    event Recognised(
        bytes32 indexed jurisdiction,
        bytes32 indexed certificate,
        bytes32 indexed agreement,
        uint16 purpose,
        uint8 level,
        address account,
        uint40 from,
        uint40 until
    );
    /// @notice The recognition ends earlier than before.
    event RecognitionEnded(
        bytes32 indexed jurisdiction,
        bytes32 indexed certificate,
        bytes32 indexed agreement,
        uint16 purpose,
        uint8 level,
        address account,
        uint40 until
    );
    /// @notice The list with this number is the newest; the next comes by `nextUpdate`.
    event ListPublished(uint64 indexed number, bytes32 indexed document, uint40 issued, uint40 nextUpdate);

    /// @notice Only the council may write this.
    error NotCouncil(address account);
    /// @notice The account is not the one that writes for this jurisdiction.
    error NotAuthority(bytes32 jurisdiction, address account);
    /// @notice The jurisdiction is empty or not left-aligned.
    error JurisdictionInvalid(bytes32 jurisdiction);
    /// @notice The provider's id is empty or not left-aligned.
    error ProviderInvalid(bytes32 provider);
    /// @notice A digest that must be there is zero: of certificate, key, name, document, id, number or agreement.
    error DigestMissing();
    /// @notice No such type of service.
    error ServiceTypeUnknown(uint8 serviceType);
    /// @notice The certificate is listed already.
    error ServiceKnown(bytes32 certificate);
    /// @notice The certificate is not listed.
    error ServiceUnknown(bytes32 certificate);
    /// @notice No such status.
    error ServiceStatusUnknown(uint8 status);
    /// @notice The service has this status already.
    error ServiceStatusStands(bytes32 certificate, uint8 status);
    /// @notice The service is suspended or withdrawn.
    error ServiceNotGranted(bytes32 certificate, uint8 status);
    /// @notice No listed certificate holds the key.
    error KeyUnknown(bytes32 key);
    /// @notice The key is compromised, so nothing new is trusted under it.
    error KeyNotTrusted(bytes32 key, uint40 compromisedSince);
    /// @notice The instant is zero or in the future.
    error SinceOutOfRange(uint40 since);
    /// @notice `until` does not come after `from`.
    error WindowEmpty(uint40 from, uint40 until);
    /// @notice Ends and compromises move only to earlier instants; trust is never lengthened.
    error NotEarlier(uint40 current, uint40 offered);
    /// @notice No such type of qualification.
    error QualificationTypeUnknown(uint8 qualificationType);
    /// @notice The qualification is written already.
    error QualificationKnown(bytes32 id);
    /// @notice No such qualification.
    error QualificationUnknown(bytes32 id);
    /// @notice A recognition has a purpose.
    error PurposeMissing();
    /// @notice A level of assurance is 1 to 4.
    error LevelOutOfRange(uint8 level);
    /// @notice These terms are written already; a recognition that ended returns only under another agreement.
    error RecognitionKnown(bytes32 id);
    /// @notice No recognition on these terms.
    error RecognitionUnknown(bytes32 id);
    /// @notice A list's number is higher than those before.
    error ListNotNewer(uint64 current, uint64 offered);
    /// @notice The next update of a list lies in the future.
    error NextUpdatePassed(uint40 nextUpdate);

    /// @notice List a service, granted as of this block. By the council.
    function listService(bytes32 certificate, Listing calldata listing) external;

    /// @notice Give a service another description; by the council. What it is, and its key, never change.
    function describeService(bytes32 certificate, bytes32 document) external;

    /// @notice Give a service another status as of this block: 1 granted, 2 suspended, 3 withdrawn. By the council.
    function setServiceStatus(bytes32 certificate, uint8 status) external;

    /// @notice Suspend a granted service as of this block; nothing happens to another. By the council, which lets a
    /// proposal of nothing but `bar(bytes32)` pass without delay; lifting it takes `setServiceStatus` and the delay.
    function bar(bytes32 certificate) external;

    /// @notice Declare a key compromised since an instant that may lie in the past. By the council.
    function compromiseKey(bytes32 key, uint40 since) external;

    /// @notice Write down a provider's qualification; by the council. `id` is the SHA-256 of its canonical document, so
    /// that a renewal is an entry of its own.
    function qualify(
        bytes32 id,
        bytes32 provider,
        uint8 qualificationType,
        bytes32 number,
        uint40 from,
        uint40 until
    ) external;

    /// @notice End a qualification, not before this block. By the council.
    function endQualification(bytes32 id, uint40 until) external;

    /// @notice Let one account write a jurisdiction's recognitions, in place of the one before; zero for nobody. By the
    /// council. The account belongs to an organisation that is not barred, and holds permission 4 (relate).
    function setAuthority(bytes32 jurisdiction, address account) external;

    /// @notice Recognise a granted service, by the authority of the recognising jurisdiction.
    function recognise(Terms calldata terms, uint40 from, uint40 until) external;

    /// @notice End a recognition, not before this block, by the authority of the jurisdiction that gave it.
    function endRecognition(Terms calldata terms, uint40 until) external;

    /// @notice Publish the digest of the whole list, signed off chain. By the council.
    function publish(uint64 number, bytes32 document, uint40 nextUpdate) external;

    /// @notice The service's entry; all zero where there is none.
    function serviceOf(bytes32 certificate) external view returns (Service memory);

    /// @notice The key's entry; all zero where no listed certificate holds it.
    function keyOf(bytes32 key) external view returns (Key memory);

    /// @notice The qualification's entry; all zero where there is none.
    function qualificationOf(bytes32 id) external view returns (Qualification memory);

    /// @notice Who writes the jurisdiction's recognitions; all zero where nobody does.
    function authorityOf(bytes32 jurisdiction) external view returns (Authority memory);

    /// @notice When the recognition on exactly these terms holds; all zero where there is none. It says nothing about
    /// the service's status or its key.
    function recognitionOf(Terms calldata terms) external view returns (Window memory);

    /// @notice The newest list published; all zero where there is none.
    function published() external view returns (Publication memory);

    /// @notice The consortium whose organisations and council hold, for ever.
    function consortium() external view returns (IConsortium);
}
