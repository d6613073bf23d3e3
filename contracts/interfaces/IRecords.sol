// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IConsortium} from "./IConsortium.sol";

// States of a leaf.
uint8 constant STATE_ACTIVE = 0;
uint8 constant STATE_SUSPENDED = 1;
uint8 constant STATE_REVOKED = 2;
uint8 constant STATE_SUPERSEDED = 3;

// Reason written by `annul`, which takes none from its caller.
uint8 constant REASON_ANNULLED = 255;

/// @title Anchored batches, and the status of each leaf in its issuer's namespace
/// @notice Nothing personal is ever here: roots, leaves and digests only, no string and no bytes of free length.
/// A status is keyed by (issuer, leaf) and needs no proof: every copy of a leaf in any batch is covered, and no
/// organisation can touch another's leaf. Instants are seconds UTC.
interface IRecords {
    /// @notice A closed batch as its manifest describes it.
    /// @param accreditation id under which it is anchored; 0 for kinds status and tombstone
    /// @param kind number of the record kind
    /// @param suite 1 international, 2 national (SM), 3 both
    /// @param size number of leaves, 1 to 65,536
    /// @param root RFC 6962 root over the leaves, SHA-256
    /// @param manifestSha256 digest of the signed manifest
    /// @param manifestSm3 the same by SM3; zero exactly in suite 1
    /// @param signers SHA-256 of each certificate that signed the manifest
    struct Batch {
        bytes32 accreditation;
        uint16 kind;
        uint8 suite;
        uint32 size;
        bytes32 root;
        bytes32 manifestSha256;
        bytes32 manifestSm3;
        bytes32[] signers;
    }

    /// @notice What is stored of a batch, two words. `sequence` 0: not anchored.
    /// @param tuple keccak256(abi.encode(batch))
    struct BatchWords {
        uint64 sequence;
        uint40 time;
        uint16 kind;
        uint8 suite;
        uint32 size;
        bool disowned;
        bytes32 tuple;
    }

    /// @notice What is stored of a leaf's status, two words; all zero: never changed.
    /// @param frozen a court's overlay: while set the state beneath does not change
    /// @param effective instant from which the state holds, at or before `recorded`
    /// @param recorded time of the block that wrote it
    /// @param count number of changes so far
    /// @param history keccak256(abi.encode(history before, actor, state, effective, recorded, reason, statement))
    struct StatusWords {
        uint8 state;
        bool frozen;
        uint40 effective;
        uint40 recorded;
        uint8 reason;
        uint32 count;
        bytes32 history;
    }

    /// @notice A leaf to change, and the leaf of the signed record (statement) that orders it.
    struct Change {
        bytes32 leaf;
        bytes32 statement;
    }

    /// @notice The issuer's batch number `sequence` is anchored.
    event BatchAnchored(
        bytes32 indexed issuer, bytes32 indexed root, uint64 indexed sequence, address account, Batch batch
    );
    /// @notice The identical batch came again; nothing changed.
    event AnchorRepeated(bytes32 indexed issuer, bytes32 indexed root, uint64 indexed sequence);
    /// @notice The leaf's state changed; `count` numbers its changes from 1.
    event StatusChanged(
        bytes32 indexed issuer,
        bytes32 indexed leaf,
        bytes32 indexed statement,
        bytes32 actor,
        uint8 state,
        uint40 effective,
        uint40 recorded,
        uint8 reason,
        uint32 count
    );
    /// @notice The change was not made: the leaf is frozen or the transition is not allowed. Other items went on.
    event StatusRefused(
        bytes32 indexed issuer, bytes32 indexed leaf, bytes32 indexed statement, uint8 from, uint8 to
    );
    /// @notice The organisation says that `statement` stands in `relation` to `target`.
    event Related(
        bytes32 indexed target, bytes32 indexed statement, bytes32 indexed organisation, uint8 relation
    );
    /// @notice The court froze the leaf under its accreditation.
    event Frozen(
        bytes32 indexed issuer, bytes32 indexed leaf, bytes32 indexed statement, bytes32 court, bytes32 accreditation
    );
    /// @notice The court lifted the freeze; what lay beneath holds again.
    event Unfrozen(
        bytes32 indexed issuer, bytes32 indexed leaf, bytes32 indexed statement, bytes32 court, bytes32 accreditation
    );
    /// @notice Not frozen or lifted: the leaf is frozen by another court, which stands here.
    event FreezeRefused(
        bytes32 indexed issuer, bytes32 indexed leaf, bytes32 indexed statement, bytes32 frozenBy
    );
    /// @notice A first organisation asks to annul the end of a leaf.
    event AnnulmentProposed(
        bytes32 indexed issuer, bytes32 indexed leaf, bytes32 indexed statement, bytes32 organisation
    );
    /// @notice Two organisations annulled the end of a leaf, which is active again.
    event Annulled(
        bytes32 indexed issuer, bytes32 indexed leaf, bytes32 indexed statement, bytes32 first, bytes32 second
    );
    /// @notice A first organisation asks to disown a batch.
    event DisownmentProposed(
        bytes32 indexed issuer, bytes32 indexed root, bytes32 indexed statement, bytes32 organisation
    );
    /// @notice Two organisations disowned the batch: no inclusion in it counts any more.
    event Disowned(
        bytes32 indexed issuer, bytes32 indexed root, bytes32 indexed statement, bytes32 first, bytes32 second
    );
    /// @notice Writing has ended for ever; the ledger goes on in the Records contract named.
    event Retired(uint256 indexed chainId, bytes32 indexed genesis, address indexed records);

    /// @notice The ledger has moved; `successor` is keccak256(abi.encode(chainId, genesis, records)).
    error LedgerRetired(bytes32 successor);
    /// @notice Only the council may retire the ledger.
    error NotCouncil(address account);
    /// @notice A successor has a genesis hash and an address.
    error SuccessorMissing();
    /// @notice A batch holds 1 to 65,536 leaves.
    error SizeOutOfRange(uint32 size);
    /// @notice The root is zero.
    error RootMissing();
    /// @notice The manifest's SHA-256 is zero.
    error ManifestMissing();
    /// @notice The suite is not 1, 2 or 3.
    error SuiteUnknown(uint8 suite);
    /// @notice The manifest's SM3 digest must be zero in suite 1 and present in the others.
    error ManifestSm3Mismatch(uint8 suite, bytes32 manifestSm3);
    /// @notice The root is anchored as batch `sequence` with another kind, size, manifest or other signers.
    error RootAnchoredDifferently(bytes32 issuer, bytes32 root, uint64 sequence);
    /// @notice The organisation is neither issuer, successor nor superior, nor entitled otherwise.
    error NotEntitled(bytes32 organisation, bytes32 issuer);
    /// @notice A call changes 1 to `most` leaves.
    error ChangesOutOfRange(uint256 count, uint256 most);
    /// @notice No such state.
    error StateUnknown(uint8 state);
    /// @notice A status does not take effect in the future.
    error EffectiveInFuture(uint40 effective, uint40 time);
    /// @notice The reason is that of annulments, which `annul` alone writes.
    error ReasonReserved(uint8 reason);
    /// @notice Only an emergency suspension may come without its statement.
    error StatementMissing(bytes32 leaf);
    /// @notice The target is zero.
    error TargetMissing();
    /// @notice The leaf is frozen by a court, which must lift that first.
    error LeafFrozen(bytes32 issuer, bytes32 leaf, bytes32 court);
    /// @notice The leaf's state is no end: there is nothing to annul.
    error NothingToAnnul(bytes32 issuer, bytes32 leaf, uint8 state);
    /// @notice The issuer anchored no batch with this root.
    error BatchUnknown(bytes32 issuer, bytes32 root);
    /// @notice The batch is disowned already.
    error AlreadyDisowned(bytes32 issuer, bytes32 root);
    /// @notice Another organisation must second this; an organisation and its successor are one.
    error SecondOrganisationNeeded(bytes32 organisation);

    /// @notice Anchor a batch. The identical batch again returns the first's number.
    /// @return sequence the issuer's running number of the batch, from 1 without gap
    function anchor(Batch calldata batch) external returns (uint64 sequence);

    /// @notice Change the state of leaves: active to and from suspended, either to revoked or superseded.
    /// The same state, effective and reason again is no change. A suspension that came without its statement may be
    /// followed, once, by a suspension with one.
    /// @param effective at or before this block's time
    /// @param reason number of the reason, any but 255; its words are in the statement
    function setStatus(bytes32 issuer, Change[] calldata changes, uint8 state, uint40 effective, uint8 reason)
        external;

    /// @notice Say publicly that a statement stands in a relation to a leaf; nothing is stored.
    function relate(bytes32 target, uint8 relation, bytes32 statement) external;

    /// @notice Freeze leaves, by a court with a current accreditation of kind freeze.
    function freeze(bytes32 accreditation, bytes32 issuer, Change[] calldata changes) external;

    /// @notice Lift freezes, by the court that set them, its successor or its superior.
    function unfreeze(bytes32 accreditation, bytes32 issuer, Change[] calldata changes) external;

    /// @notice Make a revoked or superseded leaf active again. Takes effect when a second of issuer or successor,
    /// superior, court and council sends the same arguments.
    function annul(bytes32 issuer, bytes32 leaf, bytes32 statement) external;

    /// @notice Disown a whole batch, for instance after the theft of a key; by two parties as `annul`.
    function disown(bytes32 issuer, bytes32 root, bytes32 statement) external;

    /// @notice End writing for ever and name where the ledger goes on; only by the council.
    function retire(uint256 chainId, bytes32 genesis, address records) external;

    /// @notice What is stored of a batch; all zero where there is none.
    function batchOf(bytes32 issuer, bytes32 root) external view returns (BatchWords memory);

    /// @notice What is stored of a leaf's status; all zero where it never changed.
    function statusOf(bytes32 issuer, bytes32 leaf) external view returns (StatusWords memory);

    /// @notice The court that froze the leaf, or zero.
    function frozenBy(bytes32 issuer, bytes32 leaf) external view returns (bytes32 court);

    /// @notice Number of batches the issuer has anchored.
    function countOf(bytes32 issuer) external view returns (uint64);

    /// @notice keccak256(abi.encode(chainId, genesis, records)) of the successor, or zero while writing goes on.
    function retired() external view returns (bytes32 successor);

    /// @notice The consortium whose rules hold, for ever.
    function consortium() external view returns (IConsortium);
}
