// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IConsortium, PERMISSION_ANCHOR, PERMISSION_RELATE, PERMISSION_STATUS} from "./interfaces/IConsortium.sol";

/// @title Organisations, their accounts, successors and superiors: the half of the consortium without dates
abstract contract Organisations is IConsortium {
    uint8 private constant ALL_PERMISSIONS = PERMISSION_ANCHOR | PERMISSION_STATUS | PERMISSION_RELATE;

    address private immutable _council;

    // Storage begins here; Consortium's follows. The order is what slot proofs rely on (README).
    mapping(bytes32 organisation => Organisation) private _organisations;
    mapping(address account => Account) private _accounts;
    mapping(bytes32 organisation => bytes32[] predecessors) private _predecessors;

    modifier onlyCouncil() {
        if (msg.sender != _council) revert NotCouncil(msg.sender);
        _;
    }

    constructor(address council_) {
        if (council_ == address(0)) revert CouncilMissing();
        _council = council_;
    }

    /// @inheritdoc IConsortium
    function registerOrganisation(bytes32 organisation) external onlyCouncil {
        if (organisation[0] == 0) revert OrganisationInvalid(organisation);
        if (_organisations[organisation].since != 0) revert OrganisationKnown(organisation);
        _organisations[organisation].since = uint40(block.timestamp);
        emit OrganisationRegistered(organisation, uint40(block.timestamp));
    }

    /// @inheritdoc IConsortium
    function setAccount(address account, bytes32 organisation, uint8 permissions) external onlyCouncil {
        _checkRegistered(organisation);
        if (account == address(0)) revert UnknownAccount(account);
        if (permissions > ALL_PERMISSIONS) revert PermissionsUnknown(permissions);
        bytes32 owner = _accounts[account].organisation;
        if (owner != 0 && owner != organisation) revert AccountOfOrganisation(account, owner);
        _accounts[account] = Account(organisation, permissions);
        emit AccountSet(account, organisation, permissions);
    }

    /// @inheritdoc IConsortium
    function succeed(bytes32 from, bytes32 to, uint40 since) external onlyCouncil {
        _checkRegistered(from);
        _checkRegistered(to);
        if (since > block.timestamp) revert SinceOutOfRange(since);
        bytes32 earlier = _organisations[from].successor;
        if (earlier != 0) revert AlreadySucceeded(from, earlier);
        bytes32 heir = heirOf(to);
        if (heir == from) revert SuccessionLoop(from, to);
        bytes32[] memory predecessors = _predecessors[from];
        for (uint256 i = 0; i < predecessors.length; ++i) _setHeir(predecessors[i], heir);
        _setHeir(from, heir);
    }

    /// @inheritdoc IConsortium
    function setSuperior(bytes32 organisation, bytes32 superior) external onlyCouncil {
        _checkRegistered(organisation);
        if (superior != 0) _checkRegistered(superior);
        if (superior == organisation) revert SuperiorOfItself(organisation);
        _organisations[organisation].superior = superior;
        emit SuperiorSet(organisation, superior);
    }

    /// @inheritdoc IConsortium
    function bar(bytes32 organisation) external onlyCouncil {
        _checkRegistered(organisation);
        _organisations[organisation].barred = true;
        emit Barred(organisation);
    }

    /// @inheritdoc IConsortium
    function unbar(bytes32 organisation) external onlyCouncil {
        _checkRegistered(organisation);
        _organisations[organisation].barred = false;
        emit Unbarred(organisation);
    }

    /// @inheritdoc IConsortium
    function actingOrganisation(address account, uint8 permission) public view returns (bytes32 organisation) {
        Account memory entry = _accounts[account];
        organisation = entry.organisation;
        if (organisation == 0) revert UnknownAccount(account);
        if (permission == 0 || entry.permissions & permission != permission) {
            revert PermissionMissing(account, permission);
        }
        if (_organisations[organisation].barred) revert OrganisationBarred(organisation);
    }

    /// @inheritdoc IConsortium
    function mayActFor(bytes32 actor, bytes32 issuer) external view returns (bool) {
        Organisation storage organisation = _organisations[issuer];
        if (organisation.since == 0 || actor == 0 || _organisations[actor].barred) return false;
        return actor == issuer || actor == organisation.successor || actor == organisation.superior;
    }

    /// @inheritdoc IConsortium
    function heirOf(bytes32 organisation) public view returns (bytes32) {
        bytes32 successor = _organisations[organisation].successor;
        return successor == 0 ? organisation : successor;
    }

    /// @inheritdoc IConsortium
    function organisationOf(bytes32 organisation) external view returns (Organisation memory) {
        return _organisations[organisation];
    }

    /// @inheritdoc IConsortium
    function accountOf(address account) external view returns (Account memory) {
        return _accounts[account];
    }

    /// @inheritdoc IConsortium
    function council() external view returns (address) {
        return _council;
    }

    function _setHeir(bytes32 organisation, bytes32 heir) private {
        _organisations[organisation].successor = heir;
        _organisations[organisation].succeeded = uint40(block.timestamp);
        _predecessors[heir].push(organisation);
        emit Succeeded(organisation, heir, uint40(block.timestamp));
    }

    function _checkRegistered(bytes32 organisation) internal view {
        if (_organisations[organisation].since == 0) revert UnknownOrganisation(organisation);
    }

    // A right dated before its own block would make acts valid that were refused when they were tried.

    // An end in the past would kill what was done rightly in between.

    function _isBarred(bytes32 organisation) internal view returns (bool) {
        return _organisations[organisation].barred;
    }
}
