package errs

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
)

// throttleCodes are the AWS error codes for throttling and temporary failures, as in
// the retry tables of the SDKs.
var throttleCodes = map[string]bool{
	"Throttling": true, "ThrottlingException": true, "ThrottledException": true,
	"RequestThrottled": true, "RequestThrottledException": true, "TooManyRequestsException": true,
	"RequestLimitExceeded": true, "BandwidthLimitExceeded": true,
	"SlowDown": true, "PriorRequestNotComplete": true, "TransactionInProgressException": true,
	"ProvisionedThroughputExceededException": true, "RequestTimeout": true, "RequestTimeoutException": true,
	"InternalFailure": true, "InternalError": true, "InternalServerError": true, "ServiceUnavailable": true,
	"ServiceUnavailableException": true, "IDPCommunicationError": true,
}

// IsTemporary reports whether a retry may succeed: after throttling, a 5xx
// response, or a broken or timed-out connection, but not of a full disk. It recognizes AWS
// errors by their methods, so this package does not import an SDK.
func IsTemporary(err error) bool {
	var typed *Error
	if errors.As(err, &typed) {
		return typed.Kind == Temporary
	}
	return !isFullDisk(err) && (isThrottle(err) || isServerError(err) || isBrokenConnection(err))
}

// isFullDisk reports whether a disk had no space left. A retry in a new pod gets a volume
// of the same size.
func isFullDisk(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

func isThrottle(err error) bool { return throttleCodes[Code(err)] }

func isServerError(err error) bool {
	var answered interface{ HTTPStatusCode() int }
	if !errors.As(err, &answered) {
		return false
	}
	status := answered.HTTPStatusCode()
	return status >= 500 || status == 429
}

func isBrokenConnection(err error) bool {
	var network net.Error
	var sending interface{ ConnectionError() bool } // the AWS SDK's: a request got no answer, such as EOF
	switch {
	case errors.Is(err, context.Canceled):
		return false
	case errors.As(err, &network) && network.Timeout(),
		errors.As(err, &sending) && sending.ConnectionError(),
		errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EPIPE):
		return true
	}
	return false
}
