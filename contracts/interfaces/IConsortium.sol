// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// Permissions of an account, as bits.
uint8 constant PERMISSION_ANCHOR = 1;
uint8 constant PERMISSION_STATUS = 2;
uint8 constant PERMISSION_RELATE = 4;

// Kinds with a meaning to the contracts. Statuses and tombstones need no accreditation, so that an office
// whose accreditation has ended can still end its licenses. Freeze is what courts are accredited for.
uint16 constant KIND_STATUS = 8;
uint16 constant KIND_TOMBSTONE = 11;
uint16 constant KIND_FREEZE = 64;

/// @title Who belongs to the consortium, and what each may do from when until when
/// @notice Organisation ids are ASCII, left-aligned, zero-padded. Instants are seconds UTC. A window runs from
/// `from` until just before `until`; `type(uint40).max` is open. Nothing begins or ends before the block that
/// writes it: an earlier instant, and 0, becomes that block's. Only a compromise may be dated back.
/// Only the council writes.
interface IConsortium {
    /// @notice An organisation. `since` 0: not registered; `successor` 0: none; `superior` 0: none.
    struct Organisation {
        uint40 since;
        uint40 succeeded;
        bool barred;
        bytes32 successor;
        bytes32 superior;
    }

    /// @notice An account and the organisation it belongs to for ever.
    struct Account {
        bytes32 organisation;
        uint8 permissions;
    }

    /// @notice Term of a signing certificate. `from` 0: not bound; `compromisedSince` 0: not compromised.
    struct Signer {
        uint40 from;
        uint40 until;
        uint40 compromisedSince;
    }

    /// @notice Right to anchor one kind. Jurisdiction and scope are in the event and in the document the id digests.
    struct Accreditation {
        bytes32 organisation;
        uint16 kind;
        uint40 from;
        uint40 until;
    }

    /// @notice The organisation joined.
    event OrganisationRegistered(bytes32 indexed organisation, uint40 since);
    /// @notice The account acts for the organisation with these permissions, which replace earlier ones.
    event AccountSet(address indexed account, bytes32 indexed organisation, uint8 permissions);
    /// @notice The certificate (SHA-256 of its DER) signs for the organisation in this window.
    event SignerBound(bytes32 indexed organisation, bytes32 indexed certificate, uint40 from, uint40 until);
    /// @notice The certificate's window ends earlier than before.
    event SignerEnded(bytes32 indexed organisation, bytes32 indexed certificate, uint40 until);
    /// @notice The certificate's key is not to be trusted from `since` on.
    event SignerCompromised(bytes32 indexed organisation, bytes32 indexed certificate, uint40 since);
    /// @notice The organisation may anchor `kind`. `scope` is the SHA-256 of the types it covers.
    event Accredited(
        bytes32 indexed id,
        bytes32 indexed organisation,
        uint16 kind,
        bytes32 jurisdiction,
        bytes32 scope,
        uint40 from,
        uint40 until
    );
    /// @notice The accreditation ends earlier than before.
    event AccreditationEnded(bytes32 indexed id, bytes32 indexed organisation, uint40 until);
    /// @notice `to` stands for `from`; emitted for its earlier predecessors too, so one hop always answers.
    event Succeeded(bytes32 indexed from, bytes32 indexed to, uint40 since);
    /// @notice `superior` may change statuses of the organisation's leaves; zero: no one.
    event SuperiorSet(bytes32 indexed organisation, bytes32 indexed superior);
    /// @notice The organisation may write nothing.
    event Barred(bytes32 indexed organisation);
    /// @notice The bar is lifted.
    event Unbarred(bytes32 indexed organisation);

    /// @notice The council's address is zero.
    error CouncilMissing();
    /// @notice Only the council may write.
    error NotCouncil(address account);
    /// @notice The id is empty or not left-aligned.
    error OrganisationInvalid(bytes32 organisation);
    /// @notice The organisation is registered already.
    error OrganisationKnown(bytes32 organisation);
    /// @notice The organisation is not registered.
    error UnknownOrganisation(bytes32 organisation);
    /// @notice The organisation is barred.
    error OrganisationBarred(bytes32 organisation);
    /// @notice The account belongs to no organisation, or is zero.
    error UnknownAccount(address account);
    /// @notice The account belongs to `organisation` and never moves to another.
    error AccountOfOrganisation(address account, bytes32 organisation);
    /// @notice Bits beyond anchor, status and relate.
    error PermissionsUnknown(uint8 permissions);
    /// @notice The account lacks the permission.
    error PermissionMissing(address account, uint8 permission);
    /// @notice `until` does not come after `from`.
    error WindowEmpty(uint40 from, uint40 until);
    /// @notice Ends and compromises move only to earlier instants; trust is never lengthened.
    error NotEarlier(uint40 current, uint40 offered);
    /// @notice The instant is zero or in the future.
    error SinceOutOfRange(uint40 since);
    /// @notice A batch names at least one signing certificate.
    error NoSigners();
    /// @notice A batch names at most `most` signing certificates.
    error SignersTooMany(uint256 count, uint256 most);
    /// @notice The certificate is named twice.
    error SignerRepeated(bytes32 certificate);
    /// @notice The certificate is bound to the organisation already.
    error SignerKnown(bytes32 organisation, bytes32 certificate);
    /// @notice The certificate is not bound to the organisation, or its digest is zero.
    error SignerNotBound(bytes32 organisation, bytes32 certificate);
    /// @notice The certificate's window has not begun, has ended, or its key is compromised.
    error SignerNotCurrent(bytes32 organisation, bytes32 certificate);
    /// @notice The accreditation exists already.
    error AccreditationKnown(bytes32 id);
    /// @notice No such accreditation, or none named where one is needed.
    error AccreditationMissing(bytes32 id);
    /// @notice The accreditation is another organisation's.
    error AccreditationNotOfOrganisation(bytes32 id, bytes32 organisation);
    /// @notice The accreditation does not cover this kind, or this kind takes none.
    error AccreditationOfOtherKind(bytes32 id, uint16 kind);
    /// @notice The accreditation's window has not begun or has ended.
    error AccreditationNotCurrent(bytes32 id);
    /// @notice The organisation has a successor already.
    error AlreadySucceeded(bytes32 organisation, bytes32 successor);
    /// @notice The organisation would succeed itself, directly or through others.
    error SuccessionLoop(bytes32 from, bytes32 to);
    /// @notice An organisation is not its own superior.
    error SuperiorOfItself(bytes32 organisation);

    /// @notice Register an organisation as of this block.
    function registerOrganisation(bytes32 organisation) external;

    /// @notice Let an account act for an organisation; permissions 0 takes the rights away.
    function setAccount(address account, bytes32 organisation, uint8 permissions) external;

    /// @notice Bind a signing certificate (SHA-256 of its DER) to an organisation: a CA alone cannot speak for it.
    function bindSigner(bytes32 organisation, bytes32 certificate, uint40 from, uint40 until) external;

    /// @notice End a certificate's window, not before this block.
    function endSigner(bytes32 organisation, bytes32 certificate, uint40 until) external;

    /// @notice Declare a certificate's key compromised since an instant that may lie in the past.
    function compromiseSigner(bytes32 organisation, bytes32 certificate, uint40 since) external;

    /// @notice Accredit an organisation. `id` is the SHA-256 of the accreditation's canonical document.
    function accredit(
        bytes32 id,
        bytes32 organisation,
        uint16 kind,
        bytes32 jurisdiction,
        bytes32 scope,
        uint40 from,
        uint40 until
    ) external;

    /// @notice End an accreditation, not before this block.
    function endAccreditation(bytes32 id, uint40 until) external;

    /// @notice Let `to`, or whoever has succeeded it, stand for `from` and all whom `from` has succeeded.
    /// @param since 0 or a past instant becomes this block's; a future one is refused
    function succeed(bytes32 from, bytes32 to, uint40 since) external;

    /// @notice Name the superior of an organisation; zero for none.
    function setSuperior(bytes32 organisation, bytes32 superior) external;

    /// @notice Bar an organisation from every write.
    function bar(bytes32 organisation) external;

    /// @notice Lift the bar.
    function unbar(bytes32 organisation) external;

    /// @notice Organisation for which the account may anchor this kind now, under the accreditation, with these
    /// signing certificates. Reverts with the reason otherwise.
    function anchoringOrganisation(address account, bytes32 accreditation, uint16 kind, bytes32[] calldata signers)
        external
        view
        returns (bytes32 organisation);

    /// @notice Organisation for which the account may act with the permission now. Reverts with the reason otherwise.
    function actingOrganisation(address account, uint8 permission) external view returns (bytes32 organisation);

    /// @notice Reverts unless the organisation holds this accreditation of this kind now.
    function checkAccreditation(bytes32 organisation, bytes32 id, uint16 kind) external view;

    /// @notice Whether `actor`, not barred, is the issuer, its successor or its superior.
    function mayActFor(bytes32 actor, bytes32 issuer) external view returns (bool);

    /// @notice Whether the organisation, not barred, holds any current accreditation of kind freeze.
    function isCourt(bytes32 organisation) external view returns (bool);

    /// @notice Who stands for the organisation today: its successor, else itself.
    function heirOf(bytes32 organisation) external view returns (bytes32);

    /// @notice The organisation's entry; all zero where there is none.
    function organisationOf(bytes32 organisation) external view returns (Organisation memory);

    /// @notice The account's entry; all zero where there is none.
    function accountOf(address account) external view returns (Account memory);

    /// @notice The certificate's entry; all zero where there is none.
    function signerOf(bytes32 organisation, bytes32 certificate) external view returns (Signer memory);

    /// @notice The accreditation's entry; all zero where there is none.
    function accreditationOf(bytes32 id) external view returns (Accreditation memory);

    /// @notice The council that governs, for ever.
    function council() external view returns (address);
}
