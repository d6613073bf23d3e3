// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The least an anchor could cost: two fresh slots, no right checked, no event
/// @notice Only a yardstick for gas in the tests; never deployed.
contract BareStore {
    struct Entry {
        bytes32 root;
        uint256 size;
    }

    mapping(bytes32 key => Entry) private _entries;

    /// @notice Store root and size under a key.
    function put(bytes32 key, bytes32 root, uint256 size) external {
        _entries[key] = Entry(root, size);
    }
}
