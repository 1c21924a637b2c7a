// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import { EnumerableSet } from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";

import { StETH } from "./StETH.sol";
import { WstETH } from "./WstETH.sol";

/// @title A model of Lido v3.0.2's withdrawal queue, for local chains and tests
/// @notice NEVER deploy this on a public chain: anyone can finalize and pause.
/// @dev Behaves like the real queue toward those who request and claim: the same amounts, hints, events, errors and
/// selectors.
///
/// Omitted: roles, permits, the ERC-721 calls (requests cannot be transferred, but the transfer events are there), the
/// search for what to finalize, and the burning of finalized shares: what was requested stays here as stETH for good.
/// The real queue starts paused; this one does not. There is no proxy, so calls cost less gas.
contract WithdrawalQueue {
    using EnumerableSet for EnumerableSet.UintSet;

    /// @dev One request as stored: two words, as in the real queue. Sums include the request.
    struct Request {
        uint128 cumulativeStETH;
        uint128 cumulativeShares;
        address owner;
        uint40 timestamp;
        bool claimed;
    }

    /// @dev From this request on, up to the next checkpoint's, a share pays no more than this.
    struct Checkpoint {
        uint256 fromRequestId;
        uint256 maxShareRate;
    }

    /// @notice A request as told.
    struct WithdrawalRequestStatus {
        uint256 amountOfStETH;
        uint256 amountOfShares;
        address owner;
        uint256 timestamp;
        bool isFinalized;
        bool isClaimed;
    }

    uint256 private constant RATE_UNIT = 1e27;

    /// @notice The least that one request can be of.
    uint256 public constant MIN_STETH_WITHDRAWAL_AMOUNT = 100;
    /// @notice The most that one request can be of.
    uint256 public constant MAX_STETH_WITHDRAWAL_AMOUNT = 1000 ether;
    /// @notice A pause of this length does not end by itself.
    uint256 public constant PAUSE_INFINITELY = type(uint256).max;
    /// @notice The start of bunker mode when there is none.
    uint256 public constant BUNKER_MODE_DISABLED_TIMESTAMP = type(uint256).max;

    /// @notice The token that is withdrawn.
    StETH public immutable STETH;
    /// @notice Its wrapper.
    WstETH public immutable WSTETH;

    /// @notice The newest request; they count from 1.
    uint256 public getLastRequestId;
    /// @notice The newest request that can be claimed.
    uint256 public getLastFinalizedRequestId;
    /// @notice The newest checkpoint; they count from 1.
    uint256 public getLastCheckpointIndex;
    /// @notice The wei that finalized requests can claim, dust included.
    uint256 public getLockedEtherAmount;
    /// @notice Until just before this second the queue is paused.
    uint256 public getResumeSinceTimestamp;
    /// @notice When bunker mode began.
    uint256 public bunkerModeSinceTimestamp = BUNKER_MODE_DISABLED_TIMESTAMP;

    mapping(uint256 requestId => Request) private _requests;
    mapping(uint256 index => Checkpoint) private _checkpoints;
    mapping(address owner => EnumerableSet.UintSet) private _requestsOf;

    /// @notice `owner` can claim a new request of `amountOfStETH`, which `requestor` paid.
    event WithdrawalRequested(
        uint256 indexed requestId,
        address indexed requestor,
        address indexed owner,
        uint256 amountOfStETH,
        uint256 amountOfShares
    );
    /// @notice Requests up to `to` can be claimed.
    event WithdrawalsFinalized(
        uint256 indexed from, uint256 indexed to, uint256 amountOfETHLocked, uint256 sharesToBurn, uint256 timestamp
    );
    /// @notice A request was paid.
    event WithdrawalClaimed(
        uint256 indexed requestId, address indexed owner, address indexed receiver, uint256 amountOfETH
    );
    /// @notice The request, as an ERC-721 token, was minted or burned.
    event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);
    /// @notice The descriptions of these tokens changed (ERC-4906).
    event BatchMetadataUpdate(uint256 _fromTokenId, uint256 _toTokenId);
    /// @notice Requests and finalization stopped for so many seconds.
    event Paused(uint256 duration);
    /// @notice The pause ended.
    event Resumed();
    /// @notice Bunker mode began.
    event BunkerModeEnabled(uint256 _sinceTimestamp);
    /// @notice Bunker mode ended.
    event BunkerModeDisabled();

    // Named and laid out as the real queue's, so that their selectors are the same.
    error ArraysLengthMismatch(uint256 _firstArrayLength, uint256 _secondArrayLength);
    error BatchesAreNotSorted();
    error CantSendValueRecipientMayHaveReverted();
    error EmptyBatches();
    error InvalidHint(uint256 _hint);
    error InvalidReportTimestamp();
    error InvalidRequestId(uint256 _requestId);
    error InvalidRequestIdRange(uint256 startId, uint256 endId);
    error NotEnoughEther();
    error NotOwner(address _sender, address _owner);
    error PausedExpected();
    error RequestAlreadyClaimed(uint256 _requestId);
    error RequestAmountTooLarge(uint256 _amountOfStETH);
    error RequestAmountTooSmall(uint256 _amountOfStETH);
    error RequestIdsNotSorted();
    error RequestNotFoundOrNotFinalized(uint256 _requestId);
    error ResumedExpected();
    error TooMuchEtherToFinalize(uint256 sent, uint256 maxExpected);
    error ZeroPauseDuration();
    error ZeroRecipient();
    error ZeroShareRate();

    /// @param wstETH_ the wrapper, which tells the token
    constructor(WstETH wstETH_) {
        WSTETH = wstETH_;
        STETH = wstETH_.stETH();
        // The request before the first: claimed, so that it cannot be.
        _requests[0] = Request(0, 0, address(0), uint40(block.timestamp), true);
    }

    // ---------------------------------------------------------------- levers of the model

    /// @notice Makes requests up to `lastId` claimable with the ETH sent, a share for `maxShareRate` / 10^27 wei at most.
    /// @dev Open to anyone. `prefinalize` tells how much to send; the real queue takes less too, and so does this one.
    function finalize(uint256 lastId, uint256 maxShareRate) external payable {
        _requireResumed();
        uint256 first = getLastFinalizedRequestId + 1;
        if (lastId > getLastRequestId || lastId < first) revert InvalidRequestId(lastId);
        (, uint256 amount, uint256 shares) = _between(first - 1, lastId);
        if (msg.value > amount) revert TooMuchEtherToFinalize(msg.value, amount);

        _checkpoints[++getLastCheckpointIndex] = Checkpoint(first, maxShareRate);
        getLockedEtherAmount += msg.value;
        getLastFinalizedRequestId = lastId;
        emit WithdrawalsFinalized(first, lastId, msg.value, shares, block.timestamp);
        emit BatchMetadataUpdate(first, getLastRequestId);
    }

    /// @notice Stops requests and finalization for `duration` seconds; what is finalized can be claimed. Open to anyone.
    function pauseFor(uint256 duration) external {
        _requireResumed();
        if (duration == 0) revert ZeroPauseDuration();
        getResumeSinceTimestamp = duration == PAUSE_INFINITELY ? PAUSE_INFINITELY : block.timestamp + duration;
        emit Paused(duration);
    }

    /// @notice Ends a pause. Open to anyone.
    function resume() external {
        if (!isPaused()) revert PausedExpected();
        getResumeSinceTimestamp = block.timestamp;
        emit Resumed();
    }

    /// @notice Begins or ends bunker mode, in which the real oracle finalizes later. Open to anyone.
    function onOracleReport(bool bunker, uint256 bunkerSince, uint256 reportTimestamp) external {
        if (bunkerSince >= block.timestamp || reportTimestamp >= block.timestamp) revert InvalidReportTimestamp();
        if (bunker == isBunkerModeActive()) return;
        bunkerModeSinceTimestamp = bunker ? bunkerSince : BUNKER_MODE_DISABLED_TIMESTAMP;
        if (bunker) emit BunkerModeEnabled(bunkerSince);
        else emit BunkerModeDisabled();
    }

    // ---------------------------------------------------------------- requesting

    /// @notice Takes each of `amounts` of stETH, by allowance, as a request of `owner`'s; zero for the caller's.
    /// @return requestIds the requests
    function requestWithdrawals(uint256[] calldata amounts, address owner)
        external
        returns (uint256[] memory requestIds)
    {
        _requireResumed();
        requestIds = new uint256[](amounts.length);
        for (uint256 i; i < amounts.length; ++i) {
            _requireWithinBounds(amounts[i]);
            STETH.transferFrom(msg.sender, address(this), amounts[i]);
            requestIds[i] = _enqueue(amounts[i], owner);
        }
    }

    /// @notice `requestWithdrawals` of wstETH, by allowance; the bounds hold for the stETH that it stands for.
    /// @return requestIds the requests
    function requestWithdrawalsWstETH(uint256[] calldata amounts, address owner)
        external
        returns (uint256[] memory requestIds)
    {
        _requireResumed();
        requestIds = new uint256[](amounts.length);
        for (uint256 i; i < amounts.length; ++i) {
            WSTETH.transferFrom(msg.sender, address(this), amounts[i]);
            uint256 amount = WSTETH.unwrap(amounts[i]);
            _requireWithinBounds(amount);
            requestIds[i] = _enqueue(amount, owner);
        }
    }

    // ---------------------------------------------------------------- claiming

    /// @notice Pays finalized requests of the caller's to it.
    function claimWithdrawals(uint256[] calldata requestIds, uint256[] calldata hints) external {
        _claimAll(requestIds, hints, msg.sender);
    }

    /// @notice Pays finalized requests of the caller's to `recipient`.
    function claimWithdrawalsTo(uint256[] calldata requestIds, uint256[] calldata hints, address recipient) external {
        if (recipient == address(0)) revert ZeroRecipient();
        _claimAll(requestIds, hints, recipient);
    }

    /// @notice Pays one finalized request of the caller's to it, and finds the hint itself.
    function claimWithdrawal(uint256 requestId) external {
        _claim(requestId, _findHint(requestId, 1, getLastCheckpointIndex), msg.sender);
    }

    // ---------------------------------------------------------------- reading

    /// @notice The unclaimed requests of `owner`, in no order.
    function getWithdrawalRequests(address owner) external view returns (uint256[] memory) {
        return _requestsOf[owner].values();
    }

    /// @notice The status of each request.
    function getWithdrawalStatus(uint256[] calldata requestIds)
        external
        view
        returns (WithdrawalRequestStatus[] memory statuses)
    {
        statuses = new WithdrawalRequestStatus[](requestIds.length);
        for (uint256 i; i < requestIds.length; ++i) {
            uint256 id = requestIds[i];
            _requireKnown(id);
            Request memory request = _requests[id];
            (, uint256 amount, uint256 shares) = _between(id - 1, id);
            bool finalized = id <= getLastFinalizedRequestId;
            statuses[i] =
                WithdrawalRequestStatus(amount, shares, request.owner, request.timestamp, finalized, request.claimed);
        }
    }

    /// @notice The wei that each request would be paid now; 0 if it is not finalized or claimed already.
    function getClaimableEther(uint256[] calldata requestIds, uint256[] calldata hints)
        external
        view
        returns (uint256[] memory amounts)
    {
        amounts = new uint256[](requestIds.length);
        for (uint256 i; i < requestIds.length; ++i) {
            (uint256 id, uint256 hint) = (requestIds[i], hints[i]);
            _requireKnown(id);
            if (id <= getLastFinalizedRequestId && !_requests[id].claimed) amounts[i] = _payout(id, hint);
        }
    }

    /// @notice For each of rising requests the checkpoint, from `start` to `end`, of its finalization; 0 for none.
    function findCheckpointHints(uint256[] calldata requestIds, uint256 start, uint256 end)
        external
        view
        returns (uint256[] memory hints)
    {
        hints = new uint256[](requestIds.length);
        uint256 previous;
        for (uint256 i; i < requestIds.length; ++i) {
            if (requestIds[i] < previous) revert RequestIdsNotSorted();
            hints[i] = _findHint(requestIds[i], start, end);
            start = hints[i];
            previous = requestIds[i];
        }
    }

    /// @notice What finalizing up to the last of `batches` takes, a share for `maxShareRate` / 10^27 wei at most. All
    /// requests of a batch must be above that rate, or none.
    /// @return ethToLock the wei to send
    /// @return sharesToBurn the shares of these requests
    function prefinalize(uint256[] calldata batches, uint256 maxShareRate)
        external
        view
        returns (uint256 ethToLock, uint256 sharesToBurn)
    {
        if (maxShareRate == 0) revert ZeroShareRate();
        if (batches.length == 0) revert EmptyBatches();
        uint256 previous = getLastFinalizedRequestId;
        if (batches[0] <= previous) revert InvalidRequestId(batches[0]);
        uint256 last = batches[batches.length - 1];
        if (last > getLastRequestId) revert InvalidRequestId(last);
        for (uint256 i; i < batches.length; ++i) {
            if (batches[i] <= previous) revert BatchesAreNotSorted();
            (uint256 rate, uint256 amount, uint256 shares) = _between(previous, batches[i]);
            ethToLock += rate > maxShareRate ? shares * maxShareRate / RATE_UNIT : amount;
            sharesToBurn += shares;
            previous = batches[i];
        }
    }

    /// @notice The requests that are not finalized.
    function unfinalizedRequestNumber() external view returns (uint256) {
        return getLastRequestId - getLastFinalizedRequestId;
    }

    /// @notice The stETH that they are of.
    function unfinalizedStETH() external view returns (uint256 amount) {
        return _requests[getLastRequestId].cumulativeStETH - _requests[getLastFinalizedRequestId].cumulativeStETH;
    }

    /// @notice Whether requests and finalization are stopped.
    function isPaused() public view returns (bool) {
        return block.timestamp < getResumeSinceTimestamp;
    }

    /// @notice Whether Lido is in bunker mode.
    function isBunkerModeActive() public view returns (bool) {
        return bunkerModeSinceTimestamp < BUNKER_MODE_DISABLED_TIMESTAMP;
    }

    // ---------------------------------------------------------------- internal

    function _enqueue(uint256 amount, address owner) private returns (uint256 id) {
        if (owner == address(0)) owner = msg.sender;
        uint256 shares = STETH.getSharesByPooledEth(amount);
        Request memory last = _requests[getLastRequestId];
        id = ++getLastRequestId;
        _requests[id] = Request({
            // Below 2^128, as stETH and its shares are.
            cumulativeStETH: last.cumulativeStETH + uint128(amount),
            cumulativeShares: last.cumulativeShares + uint128(shares),
            owner: owner,
            timestamp: uint40(block.timestamp),
            claimed: false
        });
        assert(_requestsOf[owner].add(id));
        emit WithdrawalRequested(id, msg.sender, owner, amount, shares);
        emit Transfer(address(0), owner, id);
    }

    function _claimAll(uint256[] calldata ids, uint256[] calldata hints, address recipient) private {
        if (ids.length != hints.length) revert ArraysLengthMismatch(ids.length, hints.length);
        for (uint256 i; i < ids.length; ++i) {
            _claim(ids[i], hints[i], recipient);
        }
    }

    function _claim(uint256 id, uint256 hint, address recipient) private {
        if (id == 0) revert InvalidRequestId(id);
        if (id > getLastFinalizedRequestId) revert RequestNotFoundOrNotFinalized(id);
        Request storage request = _requests[id];
        if (request.claimed) revert RequestAlreadyClaimed(id);
        if (request.owner != msg.sender) revert NotOwner(msg.sender, request.owner);

        request.claimed = true;
        assert(_requestsOf[msg.sender].remove(id));
        uint256 amount = _payout(id, hint);
        getLockedEtherAmount -= amount;
        if (address(this).balance < amount) revert NotEnoughEther();
        (bool paid,) = recipient.call{ value: amount }("");
        if (!paid) revert CantSendValueRecipientMayHaveReverted();
        emit WithdrawalClaimed(id, msg.sender, recipient, amount);
        emit Transfer(msg.sender, address(0), id);
    }

    /// @dev The requested amount, or less if a share was worth less at finalization than at the request.
    function _payout(uint256 id, uint256 hint) private view returns (uint256) {
        if (hint == 0 || hint > getLastCheckpointIndex) revert InvalidHint(hint);
        if (id < _checkpoints[hint].fromRequestId) revert InvalidHint(hint);
        if (hint < getLastCheckpointIndex && _checkpoints[hint + 1].fromRequestId <= id) revert InvalidHint(hint);
        uint256 maxShareRate = _checkpoints[hint].maxShareRate;
        (uint256 rate, uint256 amount, uint256 shares) = _between(id - 1, id);
        return rate > maxShareRate ? shares * maxShareRate / RATE_UNIT : amount;
    }

    /// @dev The last checkpoint from `start` to `end` that is not after the request; 0 if it is not in that range.
    function _findHint(uint256 id, uint256 start, uint256 end) private view returns (uint256) {
        _requireKnown(id);
        if (start == 0 || end > getLastCheckpointIndex) revert InvalidRequestIdRange(start, end);
        if (id > getLastFinalizedRequestId || start > end || id < _checkpoints[start].fromRequestId) return 0;
        if (end < getLastCheckpointIndex && id >= _checkpoints[end + 1].fromRequestId) return 0;
        while (start < end) {
            uint256 middle = (start + end + 1) / 2;
            if (_checkpoints[middle].fromRequestId <= id) start = middle;
            else end = middle - 1;
        }
        return start;
    }

    /// @dev Sums over the requests after `previous` up to `last`, and their wei per 10^27 shares.
    function _between(uint256 previous, uint256 last)
        private
        view
        returns (uint256 rate, uint256 amount, uint256 shares)
    {
        amount = _requests[last].cumulativeStETH - _requests[previous].cumulativeStETH;
        shares = _requests[last].cumulativeShares - _requests[previous].cumulativeShares;
        rate = amount * RATE_UNIT / shares;
    }

    function _requireKnown(uint256 id) private view {
        if (id == 0 || id > getLastRequestId) revert InvalidRequestId(id);
    }

    function _requireResumed() private view {
        if (isPaused()) revert ResumedExpected();
    }

    function _requireWithinBounds(uint256 amount) private pure {
        if (amount < MIN_STETH_WITHDRAWAL_AMOUNT) revert RequestAmountTooSmall(amount);
        if (amount > MAX_STETH_WITHDRAWAL_AMOUNT) revert RequestAmountTooLarge(amount);
    }
}
