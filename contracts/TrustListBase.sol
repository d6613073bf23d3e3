// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IConsortium, PERMISSION_RELATE} from "./interfaces/IConsortium.sol";
import {ITrustList, SERVICE_GRANTED} from "./interfaces/ITrustList.sol";

/// @title What TrustList keeps, how it is read, and what every act asks first
abstract contract TrustListBase is ITrustList {
    IConsortium private immutable _consortium;
    address private immutable _council;

    // The order is what slot proofs rely on (README).
    mapping(bytes32 certificate => Service) internal _services;
    mapping(bytes32 key => Key) internal _keys;
    mapping(bytes32 id => Qualification) internal _qualifications;
    mapping(bytes32 jurisdiction => Authority) internal _authorities;
    mapping(bytes32 id => Window) internal _recognitions;
    Publication internal _published;

    modifier onlyCouncil() {
        if (msg.sender != _council) revert NotCouncil(msg.sender);
        _;
    }

    constructor(IConsortium consortium_) {
        _consortium = consortium_;
        _council = consortium_.council();
    }

    /// @inheritdoc ITrustList
    function serviceOf(bytes32 certificate) external view returns (Service memory) {
        return _services[certificate];
    }

    /// @inheritdoc ITrustList
    function keyOf(bytes32 key) external view returns (Key memory) {
        return _keys[key];
    }

    /// @inheritdoc ITrustList
    function qualificationOf(bytes32 id) external view returns (Qualification memory) {
        return _qualifications[id];
    }

    /// @inheritdoc ITrustList
    function authorityOf(bytes32 jurisdiction) external view returns (Authority memory) {
        return _authorities[jurisdiction];
    }

    /// @inheritdoc ITrustList
    function recognitionOf(Terms calldata terms) external view returns (Window memory) {
        return _recognitions[keccak256(abi.encode(terms))];
    }

    /// @inheritdoc ITrustList
    function published() external view returns (Publication memory) {
        return _published;
    }

    /// @inheritdoc ITrustList
    function consortium() external view returns (IConsortium) {
        return _consortium;
    }

    function _setStatus(bytes32 certificate, Service storage service, uint8 status) internal {
        uint40 since = uint40(block.timestamp);
        (service.status, service.since) = (status, since);
        service.history = keccak256(abi.encode(service.history, status, since));
        emit ServiceStatusChanged(certificate, status, since, ++service.count);
    }

    function _listed(bytes32 certificate) internal view returns (Service storage service) {
        service = _services[certificate];
        if (service.count == 0) revert ServiceUnknown(certificate);
    }

    function _checkTrusted(bytes32 certificate) internal view {
        Service storage service = _listed(certificate);
        if (service.status != SERVICE_GRANTED) revert ServiceNotGranted(certificate, service.status);
        uint40 compromised = _keys[service.key].compromisedSince;
        if (compromised != 0) revert KeyNotTrusted(service.key, compromised);
    }

    // Asked anew at each act: whom the council has barred or stripped since speaks for no jurisdiction.
    function _checkAuthority(bytes32 jurisdiction) internal view {
        if (_authorities[jurisdiction].account != msg.sender) revert NotAuthority(jurisdiction, msg.sender);
        _speaksFor(msg.sender);
    }

    function _speaksFor(address account) internal view returns (bytes32 organisation) {
        return _consortium.actingOrganisation(account, PERMISSION_RELATE);
    }

    function _checkProvider(bytes32 provider) internal pure {
        if (provider[0] == 0) revert ProviderInvalid(provider);
    }

    function _checkDigest(bytes32 digest) internal pure {
        if (digest == 0) revert DigestMissing();
    }

    function _window(uint40 from, uint40 until) internal view returns (uint40) {
        if (from < block.timestamp) from = uint40(block.timestamp);
        if (until <= from) revert WindowEmpty(from, until);
        return from;
    }

    function _earlierEnd(uint40 current, uint40 offered) internal view returns (uint40) {
        if (offered < block.timestamp) offered = uint40(block.timestamp);
        if (offered >= current) revert NotEarlier(current, offered);
        return offered;
    }
}
