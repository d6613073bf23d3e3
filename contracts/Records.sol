// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RecordsBase} from "./RecordsBase.sol";
import {IConsortium, PERMISSION_RELATE, PERMISSION_STATUS} from "./interfaces/IConsortium.sol";
import {
    IRecords, REASON_ANNULLED, STATE_ACTIVE, STATE_SUPERSEDED, STATE_SUSPENDED
} from "./interfaces/IRecords.sol";

/// @title Records: the acts
contract Records is RecordsBase {
    uint32 private constant MOST_LEAVES = 65_536;
    uint8 private constant SUITE_INTERNATIONAL = 1;
    uint8 private constant SUITE_BOTH = 3;

    /// @dev What is the same for every item of one `setStatus`; in memory, for the stack is short.
    struct Entry {
        bytes32 issuer;
        bytes32 actor;
        uint8 state;
        uint40 effective;
        uint8 reason;
    }

    constructor(IConsortium consortium_) RecordsBase(consortium_) {}

    /// @inheritdoc IRecords
    function anchor(Batch calldata batch) external whileWriting returns (uint64 sequence) {
        _checkBatch(batch);
        bytes32 issuer =
            _consortium.anchoringOrganisation(msg.sender, batch.accreditation, batch.kind, batch.signers);
        bytes32 tuple = keccak256(abi.encode(batch));
        BatchWords storage words = _batches[issuer][batch.root];
        sequence = words.sequence;
        if (sequence != 0) {
            // Answering another batch with the first would let an office believe its manifest is anchored.
            if (words.tuple != tuple) revert RootAnchoredDifferently(issuer, batch.root, sequence);
            emit AnchorRepeated(issuer, batch.root, sequence);
            return sequence;
        }
        sequence = ++_counts[issuer];
        _batches[issuer][batch.root] =
            BatchWords(sequence, uint40(block.timestamp), batch.kind, batch.suite, batch.size, false, tuple);
        emit BatchAnchored(issuer, batch.root, sequence, msg.sender, batch);
    }

    /// @inheritdoc IRecords
    function setStatus(bytes32 issuer, Change[] calldata changes, uint8 state, uint40 effective, uint8 reason)
        external
        whileWriting
    {
        _checkCount(changes.length);
        if (state > STATE_SUPERSEDED) revert StateUnknown(state);
        if (reason == REASON_ANNULLED) revert ReasonReserved(reason);
        if (effective > block.timestamp) revert EffectiveInFuture(effective, uint40(block.timestamp));
        bytes32 actor = _consortium.actingOrganisation(msg.sender, PERMISSION_STATUS);
        if (!_consortium.mayActFor(actor, issuer)) revert NotEntitled(actor, issuer);
        Entry memory entry = Entry(issuer, actor, state, effective, reason);
        for (uint256 i = 0; i < changes.length; ++i) {
            if (changes[i].statement == 0 && state != STATE_SUSPENDED) revert StatementMissing(changes[i].leaf);
            _change(entry, changes[i]);
        }
    }

    /// @inheritdoc IRecords
    function relate(bytes32 target, uint8 relation, bytes32 statement) external whileWriting {
        if (target == 0) revert TargetMissing();
        if (statement == 0) revert StatementMissing(target);
        emit Related(target, statement, _consortium.actingOrganisation(msg.sender, PERMISSION_RELATE), relation);
    }

    /// @inheritdoc IRecords
    function freeze(bytes32 accreditation, bytes32 issuer, Change[] calldata changes) external whileWriting {
        bytes32 court = _court(accreditation, changes.length);
        for (uint256 i = 0; i < changes.length; ++i) {
            (bytes32 leaf, bytes32 statement) = (changes[i].leaf, changes[i].statement);
            if (statement == 0) revert StatementMissing(leaf);
            bytes32 holder = _frozenBy[issuer][leaf];
            if (holder == 0) {
                _frozenBy[issuer][leaf] = court;
                _statuses[issuer][leaf].frozen = true;
                emit Frozen(issuer, leaf, statement, court, accreditation);
            } else if (holder != court) {
                emit FreezeRefused(issuer, leaf, statement, holder);
            }
        }
    }

    /// @inheritdoc IRecords
    function unfreeze(bytes32 accreditation, bytes32 issuer, Change[] calldata changes) external whileWriting {
        bytes32 court = _court(accreditation, changes.length);
        for (uint256 i = 0; i < changes.length; ++i) {
            (bytes32 leaf, bytes32 statement) = (changes[i].leaf, changes[i].statement);
            if (statement == 0) revert StatementMissing(leaf);
            bytes32 holder = _frozenBy[issuer][leaf];
            if (holder == 0) continue;
            if (_consortium.mayActFor(court, holder)) {
                delete _frozenBy[issuer][leaf];
                _statuses[issuer][leaf].frozen = false;
                emit Unfrozen(issuer, leaf, statement, court, accreditation);
            } else {
                emit FreezeRefused(issuer, leaf, statement, holder);
            }
        }
    }

    /// @inheritdoc IRecords
    function annul(bytes32 issuer, bytes32 leaf, bytes32 statement) external whileWriting {
        if (statement == 0) revert StatementMissing(leaf);
        bytes32 actor = _party(issuer);
        StatusWords storage words = _statuses[issuer][leaf];
        if (words.frozen) revert LeafFrozen(issuer, leaf, _frozenBy[issuer][leaf]);
        if (words.state <= STATE_SUSPENDED) revert NothingToAnnul(issuer, leaf, words.state);
        // The count ties the first consent to this end of the leaf, not to one that may follow.
        bytes32 act = keccak256(abi.encode(this.annul.selector, issuer, leaf, statement, words.count));
        bytes32 first = _first(act, issuer, actor);
        if (first == 0) {
            emit AnnulmentProposed(issuer, leaf, statement, actor);
        } else {
            Entry memory entry = Entry(issuer, actor, STATE_ACTIVE, uint40(block.timestamp), REASON_ANNULLED);
            _write(words, entry, leaf, statement);
            emit Annulled(issuer, leaf, statement, first, actor);
        }
    }

    /// @inheritdoc IRecords
    function disown(bytes32 issuer, bytes32 root, bytes32 statement) external whileWriting {
        if (statement == 0) revert StatementMissing(root);
        bytes32 actor = _party(issuer);
        BatchWords storage words = _batches[issuer][root];
        if (words.sequence == 0) revert BatchUnknown(issuer, root);
        if (words.disowned) revert AlreadyDisowned(issuer, root);
        bytes32 first = _first(keccak256(abi.encode(this.disown.selector, issuer, root, statement)), issuer, actor);
        if (first == 0) {
            emit DisownmentProposed(issuer, root, statement, actor);
        } else {
            words.disowned = true;
            emit Disowned(issuer, root, statement, first, actor);
        }
    }

    /// @inheritdoc IRecords
    function retire(uint256 chainId, bytes32 genesis, address records) external whileWriting {
        if (msg.sender != _council) revert NotCouncil(msg.sender);
        if (genesis == 0 || records == address(0)) revert SuccessorMissing();
        _retired = keccak256(abi.encode(chainId, genesis, records));
        emit Retired(chainId, genesis, records);
    }

    function _change(Entry memory entry, Change calldata change) private {
        StatusWords storage words = _statuses[entry.issuer][change.leaf];
        uint8 from = words.state;
        bool again = from == entry.state;
        // The one repetition that writes: the decision behind an emergency suspension, whose entry is still the last.
        // It moves the count on, so that neither it nor another decision can be added after it.
        bool decides = again && from == STATE_SUSPENDED && change.statement != 0
            && _undecided[entry.issuer][change.leaf] == words.count;
        if (again && !decides && words.effective == entry.effective && words.reason == entry.reason) return;
        if (words.frozen || from > STATE_SUSPENDED || (again && !decides)) {
            emit StatusRefused(entry.issuer, change.leaf, change.statement, from, entry.state);
        } else {
            _write(words, entry, change.leaf, change.statement);
            if (change.statement == 0) _undecided[entry.issuer][change.leaf] = words.count;
        }
    }

    function _write(StatusWords storage words, Entry memory entry, bytes32 leaf, bytes32 statement) private {
        uint40 recorded = uint40(block.timestamp);
        uint32 count = words.count + 1;
        words.history = keccak256(
            abi.encode(words.history, entry.actor, entry.state, entry.effective, recorded, entry.reason, statement)
        );
        (words.state, words.effective, words.recorded) = (entry.state, entry.effective, recorded);
        (words.reason, words.count) = (entry.reason, count);
        emit StatusChanged(
            entry.issuer, leaf, statement, entry.actor, entry.state, entry.effective, recorded, entry.reason, count
        );
    }

    function _checkBatch(Batch calldata batch) private pure {
        if (batch.size == 0 || batch.size > MOST_LEAVES) revert SizeOutOfRange(batch.size);
        if (batch.root == 0) revert RootMissing();
        if (batch.manifestSha256 == 0) revert ManifestMissing();
        if (batch.suite == 0 || batch.suite > SUITE_BOTH) revert SuiteUnknown(batch.suite);
        if ((batch.manifestSm3 == 0) != (batch.suite == SUITE_INTERNATIONAL)) {
            revert ManifestSm3Mismatch(batch.suite, batch.manifestSm3);
        }
    }
}
