package command_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/command"
)

func TestAdviceNamesTheCauseOutsideOfAProgram(t *testing.T) {
	const network, disk, certificate = "was not reached", "podLimits.storage", "caBundle"
	for printed, want := range map[string]string{
		// pip, which ends with a message that says nothing about the network
		"WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f2d>: Failed to establish a new connection: [Errno -2] Name or service not known')': /simple/aws-cdk-lib/\n" +
			"ERROR: Could not find a version that satisfies the requirement aws-cdk-lib<3.0.0 (from versions: none)\nERROR: No matching distribution found for aws-cdk-lib<3.0.0": network,
		"npm error code ENOTFOUND\nnpm error network request to https://npm.example.com/x failed, reason: getaddrinfo ENOTFOUND npm.example.com": network,
		"fatal: unable to access 'https://git.example.com/': Could not resolve host: git.example.com":                                            network,
		"go: example.com/x@v1.0.0: Get \"https://proxy.example.com/\": dial tcp: lookup proxy.example.com on 10.0.0.2:53: no such host":          network,
		"[ERROR] java.net.UnknownHostException: maven.example.com":                                                                               network,
		"error NU1301: Unable to load the service index for source https://nuget.example.com/v3/index.json.":                                     network,
		"npm error code ENOSPC\nnpm error nospc ENOSPC: no space left on device, write":                                                          disk,
		"ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device":                                                disk,
		"npm error code SELF_SIGNED_CERT_IN_CHAIN":                                                                                               certificate,
		"ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate":       certificate,
	} {
		assert.Contains(t, command.Advice(printed), want, printed)
	}
	for _, own := range []string{
		"", "2 tests failed", "expected 'https://api.example.com' to equal 'x'", "npm error code ELIFECYCLE", "error TS2561: Object literal",
		"ERROR: No matching distribution found for aws-cdk-libx<3.0.0", // the index answered
	} {
		assert.Empty(t, command.Advice(own), own)
	}
}
