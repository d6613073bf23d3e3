// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title k of n organisations that govern the consortium together
/// @notice One member proposes calls, k approve, a delay passes in which n-k+1 may veto, then any member executes.
/// No member alone, and no single stolen key, changes anything unless the council was founded with k = 1.
interface ICouncil {
    /// @notice Life of a proposal. Open: below the threshold; Waiting: in its delay; Superseded: made under former
    /// members.
    enum State { Unknown, Open, Waiting, Ready, Executed, Vetoed, Expired, Superseded }

    /// @notice An account that speaks for a member organisation; several accounts of one organisation count once.
    struct Member {
        bytes32 organisation;
        address account;
    }

    /// @notice One call the council is to make.
    struct Call {
        address target;
        bytes data;
    }

    /// @notice What is kept of a proposal beside its calls.
    /// @param made block time of the proposal; its life of 30 days counts from here
    /// @param reached block time at which approvals reached the threshold, 0 while below
    /// @param term membership it was made under
    /// @param urgent every call is `bar(bytes32)`: no delay
    struct Proposal {
        uint40 made;
        uint40 reached;
        uint32 term;
        uint16 approvals;
        uint16 vetoes;
        bool urgent;
        bool executed;
    }

    /// @notice Members, threshold and delay now in force; emitted by the constructor too.
    event MembersChanged(uint32 indexed term, Member[] members, uint8 threshold, uint40 delay);
    /// @notice `organisation` proposed `calls`; proposing is not approving.
    event ProposalMade(uint256 indexed id, bytes32 indexed organisation, Call[] calls);
    /// @notice `organisation` approved.
    event ProposalApproved(uint256 indexed id, bytes32 indexed organisation);
    /// @notice `organisation` vetoed; an approval it gave before no longer counts.
    event ProposalVetoed(uint256 indexed id, bytes32 indexed organisation);
    /// @notice Every call of the proposal succeeded; `organisation` set it going.
    event ProposalExecuted(uint256 indexed id, bytes32 indexed organisation);

    /// @notice The account speaks for no member.
    error NotMember(address account);
    /// @notice Only the council itself may call this.
    error NotCouncil(address account);
    /// @notice An organisation id is empty or not left-aligned, or an account is zero.
    error MemberInvalid(uint256 index);
    /// @notice The account is named twice.
    error MemberRepeated(address account);
    /// @notice The threshold must lie between 1 and the number of organisations.
    error ThresholdOutOfRange(uint8 threshold, uint256 organisations);
    /// @notice The delay is longer than `longest`, in seconds: proposals would expire before it ends.
    error DelayTooLong(uint40 delay, uint40 longest);
    /// @notice A proposal holds 1 to `most` calls.
    error CallsOutOfRange(uint256 count, uint256 most);
    /// @notice No contract stands at the target: the call would succeed without doing anything.
    error TargetWithoutCode(uint256 index, address target);
    /// @notice The proposal is in a state in which this cannot be done.
    error ProposalInState(uint256 id, State state);
    /// @notice The organisation has approved or vetoed already.
    error AlreadyVoted(uint256 id, bytes32 organisation);
    /// @notice Call number `index` reverted with `reason`; nothing of the proposal took effect.
    error CallFailed(uint256 index, bytes reason);

    /// @notice Propose calls, to be made in this order, all or none.
    /// @return id number of the proposal, from 1
    function propose(Call[] calldata calls) external returns (uint256 id);

    /// @notice Approve a proposal, once for each organisation.
    function approve(uint256 id) external;

    /// @notice Veto a proposal; n-k+1 organisations end it. May follow one's own approval, which it withdraws.
    function veto(uint256 id) external;

    /// @notice Make the calls of a proposal whose delay has passed.
    function execute(uint256 id) external;

    /// @notice Replace all members; only by a proposal. Other open proposals are superseded.
    function changeMembers(Member[] calldata members, uint8 threshold, uint40 delay) external;

    /// @notice State of a proposal at this block.
    function stateOf(uint256 id) external view returns (State);

    /// @notice What is kept of a proposal, and its calls.
    function proposalOf(uint256 id) external view returns (Proposal memory proposal, Call[] memory calls);

    /// @notice Number of proposals made so far.
    function proposalCount() external view returns (uint256);

    /// @notice Organisation the account speaks for, or zero.
    function memberOf(address account) external view returns (bytes32 organisation);

    /// @notice The rules in force: k, n, seconds of delay, and the running number of the membership.
    function rules() external view returns (uint8 threshold, uint16 organisations, uint40 delay, uint32 term);
}
