// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IConsortium, KIND_FREEZE, PERMISSION_STATUS} from "./interfaces/IConsortium.sol";
import {IRecords} from "./interfaces/IRecords.sol";

/// @title What Records keeps, how it is read, and who is entitled to change it
abstract contract RecordsBase is IRecords {
    uint256 private constant MOST_CHANGES = 1_000;

    IConsortium internal immutable _consortium;
    address internal immutable _council;

    // Slots 0 to 3 are proved in bundles: their order and packing never change (README).
    mapping(bytes32 issuer => mapping(bytes32 root => BatchWords)) internal _batches;
    mapping(bytes32 issuer => mapping(bytes32 leaf => StatusWords)) internal _statuses;
    mapping(bytes32 issuer => uint64) internal _counts;
    bytes32 internal _retired;
    mapping(bytes32 issuer => mapping(bytes32 leaf => bytes32 court)) internal _frozenBy;
    mapping(bytes32 act => bytes32 organisation) private _proposedBy;
    // Number of the leaf's newest change without statement; it says nothing once the leaf's count has passed it.
    mapping(bytes32 issuer => mapping(bytes32 leaf => uint32 count)) internal _undecided;

    modifier whileWriting() {
        if (_retired != 0) revert LedgerRetired(_retired);
        _;
    }

    constructor(IConsortium consortium_) {
        _consortium = consortium_;
        _council = consortium_.council();
    }

    /// @inheritdoc IRecords
    function batchOf(bytes32 issuer, bytes32 root) external view returns (BatchWords memory) {
        return _batches[issuer][root];
    }

    /// @inheritdoc IRecords
    function statusOf(bytes32 issuer, bytes32 leaf) external view returns (StatusWords memory) {
        return _statuses[issuer][leaf];
    }

    /// @inheritdoc IRecords
    function frozenBy(bytes32 issuer, bytes32 leaf) external view returns (bytes32 court) {
        return _frozenBy[issuer][leaf];
    }

    /// @inheritdoc IRecords
    function countOf(bytes32 issuer) external view returns (uint64) {
        return _counts[issuer];
    }

    /// @inheritdoc IRecords
    function retired() external view returns (bytes32 successor) {
        return _retired;
    }

    /// @inheritdoc IRecords
    function consortium() external view returns (IConsortium) {
        return _consortium;
    }

    /// @dev First organisation of a two-party act, or zero when `actor` has just become it. A first that has lost
    /// its right since (barred for a stolen key, say) does not count. No act comes twice: a batch is disowned once,
    /// and an annulment names the count of the end that it undoes.
    function _first(bytes32 act, bytes32 issuer, bytes32 actor) internal returns (bytes32 first) {
        first = _proposedBy[act];
        if (first == 0 || !_entitled(first, issuer)) {
            _proposedBy[act] = actor;
            return 0;
        }
        if (_consortium.heirOf(first) == _consortium.heirOf(actor)) revert SecondOrganisationNeeded(actor);
    }

    // The council's name as an organisation: its address, which no left-aligned id can equal.
    function _councilId() private view returns (bytes32) {
        return bytes32(uint256(uint160(_council)));
    }

    function _party(bytes32 issuer) internal view returns (bytes32 actor) {
        if (msg.sender == _council) return _councilId();
        actor = _consortium.actingOrganisation(msg.sender, PERMISSION_STATUS);
        if (!_entitled(actor, issuer)) revert NotEntitled(actor, issuer);
    }

    function _entitled(bytes32 actor, bytes32 issuer) private view returns (bool) {
        return actor == _councilId() || _consortium.mayActFor(actor, issuer) || _consortium.isCourt(actor);
    }

    function _court(bytes32 accreditation, uint256 count) internal view returns (bytes32 court) {
        _checkCount(count);
        court = _consortium.actingOrganisation(msg.sender, PERMISSION_STATUS);
        _consortium.checkAccreditation(court, accreditation, KIND_FREEZE);
    }

    function _checkCount(uint256 count) internal pure {
        if (count == 0 || count > MOST_CHANGES) revert ChangesOutOfRange(count, MOST_CHANGES);
    }
}
