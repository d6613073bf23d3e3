// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IConsortium} from "./interfaces/IConsortium.sol";
import {ICouncil} from "./interfaces/ICouncil.sol";

/// @title Council
contract Council is ICouncil {
    uint40 private constant LIFETIME = 30 days;
    uint40 private constant LONGEST_DELAY = 14 days;
    uint256 private constant MOST_CALLS = 200;

    uint8 private constant APPROVED = 1;
    uint8 private constant VETOED = 2;

    uint8 private _threshold;
    uint16 private _organisations;
    uint40 private _delay;
    uint32 private _term;
    uint256 private _proposalCount;
    // Keyed by term, so that a new membership starts empty and nobody's old account lingers.
    mapping(uint32 term => mapping(address account => bytes32 organisation)) private _members;
    mapping(uint32 term => mapping(bytes32 organisation => bool)) private _counted;
    mapping(uint256 id => Proposal) private _proposals;
    mapping(uint256 id => Call[]) private _calls;
    mapping(uint256 id => mapping(bytes32 organisation => uint8 votes)) private _votes;

    constructor(Member[] memory members, uint8 threshold, uint40 delay) {
        _setMembers(members, threshold, delay);
    }

    /// @inheritdoc ICouncil
    function propose(Call[] calldata calls) external returns (uint256 id) {
        bytes32 organisation = _member();
        if (calls.length == 0 || calls.length > MOST_CALLS) revert CallsOutOfRange(calls.length, MOST_CALLS);
        id = ++_proposalCount;
        bool urgent = true;
        for (uint256 i = 0; i < calls.length; ++i) {
            if (calls[i].target.code.length == 0) revert TargetWithoutCode(i, calls[i].target);
            urgent = urgent && bytes4(calls[i].data) == IConsortium.bar.selector;
            _calls[id].push(calls[i]);
        }
        _proposals[id].made = uint40(block.timestamp);
        _proposals[id].term = _term;
        _proposals[id].urgent = urgent;
        emit ProposalMade(id, organisation, calls);
    }

    /// @inheritdoc ICouncil
    function approve(uint256 id) external {
        (bytes32 organisation, Proposal storage proposal) = _voter(id);
        if (_votes[id][organisation] != 0) revert AlreadyVoted(id, organisation);
        _votes[id][organisation] = APPROVED;
        proposal.approvals += 1;
        if (proposal.approvals == _threshold) proposal.reached = uint40(block.timestamp);
        emit ProposalApproved(id, organisation);
    }

    /// @inheritdoc ICouncil
    function veto(uint256 id) external {
        (bytes32 organisation, Proposal storage proposal) = _voter(id);
        uint8 before = _votes[id][organisation];
        if (before == VETOED) revert AlreadyVoted(id, organisation);
        _votes[id][organisation] = VETOED;
        if (before == APPROVED) {
            proposal.approvals -= 1;
            if (proposal.approvals < _threshold) proposal.reached = 0;
        }
        proposal.vetoes += 1;
        emit ProposalVetoed(id, organisation);
    }

    /// @inheritdoc ICouncil
    function execute(uint256 id) external {
        bytes32 organisation = _member();
        State state = stateOf(id);
        if (state != State.Ready) revert ProposalInState(id, state);
        // Before the calls: a target that calls back cannot run the proposal twice.
        _proposals[id].executed = true;
        Call[] storage calls = _calls[id];
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool success, bytes memory reason) = calls[i].target.call(calls[i].data);
            if (!success) revert CallFailed(i, reason);
        }
        emit ProposalExecuted(id, organisation);
    }

    /// @inheritdoc ICouncil
    function changeMembers(Member[] calldata members, uint8 threshold, uint40 delay) external {
        if (msg.sender != address(this)) revert NotCouncil(msg.sender);
        _setMembers(members, threshold, delay);
    }

    /// @inheritdoc ICouncil
    function stateOf(uint256 id) public view returns (State) {
        Proposal memory proposal = _proposals[id];
        if (proposal.made == 0) return State.Unknown;
        if (proposal.executed) return State.Executed;
        if (proposal.term != _term) return State.Superseded;
        if (proposal.vetoes > _organisations - _threshold) return State.Vetoed;
        if (block.timestamp >= proposal.made + LIFETIME) return State.Expired;
        if (proposal.reached == 0) return State.Open;
        if (!proposal.urgent && block.timestamp < proposal.reached + _delay) return State.Waiting;
        return State.Ready;
    }

    /// @inheritdoc ICouncil
    function proposalOf(uint256 id) external view returns (Proposal memory proposal, Call[] memory calls) {
        return (_proposals[id], _calls[id]);
    }

    /// @inheritdoc ICouncil
    function proposalCount() external view returns (uint256) {
        return _proposalCount;
    }

    /// @inheritdoc ICouncil
    function memberOf(address account) public view returns (bytes32 organisation) {
        return _members[_term][account];
    }

    /// @inheritdoc ICouncil
    function rules() external view returns (uint8 threshold, uint16 organisations, uint40 delay, uint32 term) {
        return (_threshold, _organisations, _delay, _term);
    }

    function _member() private view returns (bytes32 organisation) {
        organisation = memberOf(msg.sender);
        if (organisation == 0) revert NotMember(msg.sender);
    }

    function _voter(uint256 id) private view returns (bytes32 organisation, Proposal storage proposal) {
        organisation = _member();
        State state = stateOf(id);
        if (state != State.Open && state != State.Waiting && state != State.Ready) revert ProposalInState(id, state);
        proposal = _proposals[id];
    }

    function _setMembers(Member[] memory members, uint8 threshold, uint40 delay) private {
        uint32 term = ++_term;
        uint16 organisations = 0;
        for (uint256 i = 0; i < members.length; ++i) {
            Member memory member = members[i];
            if (member.organisation[0] == 0 || member.account == address(0)) revert MemberInvalid(i);
            if (_members[term][member.account] != 0) revert MemberRepeated(member.account);
            _members[term][member.account] = member.organisation;
            if (!_counted[term][member.organisation]) {
                _counted[term][member.organisation] = true;
                organisations += 1;
            }
        }
        if (threshold == 0 || threshold > organisations) revert ThresholdOutOfRange(threshold, organisations);
        if (delay > LONGEST_DELAY) revert DelayTooLong(delay, LONGEST_DELAY);
        (_threshold, _organisations, _delay) = (threshold, organisations, delay);
        emit MembersChanged(term, members, threshold, delay);
    }
}
