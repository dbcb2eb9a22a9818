package clients_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
)

const canary = "canary-value-1234"

func TestSecretsAreReadFromWhereTheyAreAndMaskedFromThenOn(t *testing.T) {
	secrets(t, map[string]string{
		"plain": "plain-" + canary, "object": `{"token": "member-` + canary + `", "number": 12345678, "none": null, "deep": {"a": "` + canary + `"}, "short": "abc"}`,
		"list": `["` + canary + `"]`, "long": strings.Repeat(canary, 9000),
	})
	base, err := awsauth.Load(t.Context(), "")
	require.NoError(t, err)
	_, err = secretsmanager.NewFromConfig(base).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: aws.String("binary"), SecretBinary: []byte(canary)})
	require.NoError(t, err)
	for name, kind := range map[string]string{"/shop/secure": "SecureString", "text": "String"} {
		_, err = ssm.NewFromConfig(base).PutParameter(t.Context(), &ssm.PutParameterInput{Name: &name, Value: aws.String(kind + "-" + canary), Type: types.ParameterType(kind)})
		require.NoError(t, err)
	}
	t.Setenv("APHEX_SECRET_GIVEN", "given-"+canary)

	mask := redact.New()
	got, err := clients.Secrets(t.Context(), mask, "build.secrets", map[string]config.Secret{
		"A": {SecretsManager: "plain"}, "B": {SecretsManager: "object", Key: "token"}, "C": {SecretsManager: "object", Key: "number"}, "D": {SSM: "/shop/secure"}, "E": {SSM: "text"},
		"GIVEN": {SecretsManager: "not-there"},
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"A=plain-" + canary, "B=member-" + canary, "C=12345678", "D=SecureString-" + canary, "E=String-" + canary, "GIVEN=given-" + canary}, got)
	for _, variable := range got {
		name, _, _ := strings.Cut(variable, "=")
		assert.Equal(t, name+"="+redact.Mask, mask.String(variable))
	}

	for want, c := range map[string]struct {
		secret config.Secret
		hint   string
	}{
		"build.secrets.X: the secret gone of Secrets Manager does not exist":                {config.Secret{SecretsManager: "gone"}, "in a local run: export X=…"},
		"build.secrets.X: the parameter /gone of Parameter Store does not exist":            {config.Secret{SSM: "/gone"}, "aws ssm put-parameter --type SecureString --name /gone"},
		"build.secrets.X: the secret binary of Secrets Manager: it is binary":               {config.Secret{SecretsManager: "binary"}, "--secret-string"},
		`build.secrets.X: the secret object of Secrets Manager: it has no key "Token"`:      {config.Secret{SecretsManager: "object", Key: "Token"}, "case matters"},
		`build.secrets.X: the secret object of Secrets Manager: its key "none" has no text`: {config.Secret{SecretsManager: "object", Key: "none"}, "store a text"},
		`build.secrets.X: the secret object of Secrets Manager: its key "deep" has no text`: {config.Secret{SecretsManager: "object", Key: "deep"}, "store a text"},
		"build.secrets.X: the secret list of Secrets Manager: it is not a JSON object":      {config.Secret{SecretsManager: "list", Key: "a"}, "remove the key"},
		"build.secrets.X: the secret plain of Secrets Manager: it is not a JSON object":     {config.Secret{SecretsManager: "plain", Key: "a"}, "remove the key"},
		"build.secrets.X: no line of the value has 6 characters, too few to be masked":      {config.Secret{SecretsManager: "object", Key: "short"}, "longer"},
		"build.secrets.X: the value has 153000 bytes; a variable has at most 102400":        {config.Secret{SecretsManager: "long"}, ""},
	} {
		got, err := clients.Secrets(t.Context(), redact.New(), "build.secrets", map[string]config.Secret{"X": c.secret})
		require.ErrorContains(t, err, want)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), want)
		assert.Contains(t, errs.HintOf(err), c.hint, want)
		assert.NotContains(t, err.Error()+errs.HintOf(err), canary, want)
		assert.Empty(t, got)
	}

	for _, entry := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} { // of nobody
		t.Setenv(entry, strings.Repeat("X", 20))
	}
	_, err = clients.Secrets(t.Context(), redact.New(), "build.secrets", map[string]config.Secret{"X": {SSM: "/shop/secure"}})
	require.ErrorContains(t, err, "build.secrets.X: ")
}

// A secret of Secrets Manager is a JSON document as a rule, and commands print its parts.
func TestThePartsOfASecretThatIsADocumentAreMasked(t *testing.T) {
	t.Setenv("APHEX_SECRET_LOGIN", `{"user": "deployer", "password": "`+canary+`", "port": 1234567, "deep": [{"key": "deep-`+canary+`"}]}`)
	mask := redact.New()
	_, err := clients.Secrets(t.Context(), mask, "build.secrets", map[string]config.Secret{"LOGIN": {SecretsManager: "login"}})
	require.NoError(t, err)
	for _, printed := range []string{canary, "password=" + canary, "1234567", "deep-" + canary} {
		assert.NotContains(t, mask.String("> "+printed), printed)
		assert.Contains(t, mask.String("> "+printed), redact.Mask)
	}

	t.Setenv("APHEX_SECRET_LOGIN", "12345\n67890")
	_, err = clients.Secrets(t.Context(), redact.New(), "build.secrets", map[string]config.Secret{"LOGIN": {SecretsManager: "login"}})
	require.ErrorContains(t, err, "no line of the value has 6 characters")
}

// The usual secret of a database has the name of its environment and its region: masked
// everywhere, they would hide what a run is about.
func TestWordsOfADocumentThatNameNoSecretAreShown(t *testing.T) {
	t.Setenv("APHEX_SECRET_DB", `{"environment": "production", "region": "us-east-1", "engine": "postgres", "account": "222222222222", "number": 333333333333,
		"host": "db-7.internal.example", "username": "serviceuserofshop", "password": "sunshine", "apiKey": "abcdef", "list": {"tokens": ["firstword"]},
		"value": "hiddenword", "": "otherword", "code": "123456123456", "mixed": "hunter2x", "long": "correcthorsebatterystaple"}`)
	mask := redact.New()
	_, err := clients.Secrets(t.Context(), mask, "build.secrets", map[string]config.Secret{"DB": {SecretsManager: "db"}})
	require.NoError(t, err)
	for _, shown := range []string{"production", "us-east-1", "postgres", "222222222222", "333333333333"} {
		assert.Equal(t, "> "+shown, mask.String("> "+shown))
	}
	for _, hidden := range []string{
		"db-7.internal.example", "serviceuserofshop", "sunshine", "abcdef", "firstword", "hiddenword", "otherword", "123456123456", "hunter2x", "correcthorsebatterystaple",
	} {
		assert.Equal(t, "> "+redact.Mask, mask.String("> "+hidden))
	}
}

// TestARefusedKeyIsDistinguishedFromARefusedSecret reads as a role that may read secrets, but
// not use their key.
func TestARefusedKeyIsDistinguishedFromARefusedSecret(t *testing.T) {
	secrets(t, nil)
	base, err := awsauth.Load(t.Context(), "")
	require.NoError(t, err)
	key, name := aws.String("arn:aws:kms:eu-west-1:111111111111:key/12345678-1234-1234-1234-123456789012"), aws.String("shop")
	_, err = secretsmanager.NewFromConfig(base).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: name, SecretString: aws.String(canary), KmsKeyId: key})
	require.NoError(t, err)
	_, err = ssm.NewFromConfig(base).PutParameter(t.Context(), &ssm.PutParameterInput{Name: name, Value: aws.String(canary), Type: types.ParameterTypeSecureString, KeyId: key})
	require.NoError(t, err)

	stacks := cloudformation.NewFromConfig(base)
	_, err = stacks.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: name, Capabilities: []cfntypes.Capability{cfntypes.CapabilityCapabilityNamedIam},
		TemplateBody: aws.String(`{"Resources":{"R":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"reader",
"AssumeRolePolicyDocument":{"Statement":{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}},
"Policies":[{"PolicyName":"read","PolicyDocument":{"Statement":{"Effect":"Allow","Action":["secretsmanager:GetSecretValue","ssm:GetParameter"],"Resource":"*"}}}]}}}}`),
	})
	require.NoError(t, err)
	require.NoError(t, cloudformation.NewStackCreateCompleteWaiter(stacks, func(o *cloudformation.StackCreateCompleteWaiterOptions) { o.MinDelay = time.Millisecond }).
		Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: name}, time.Minute))
	session, err := sts.NewFromConfig(base).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::111111111111:role/reader"), RoleSessionName: name})
	require.NoError(t, err)
	t.Setenv("AWS_ACCESS_KEY_ID", *session.Credentials.AccessKeyId)
	t.Setenv("AWS_SECRET_ACCESS_KEY", *session.Credentials.SecretAccessKey)
	t.Setenv("AWS_SESSION_TOKEN", *session.Credentials.SessionToken)
	for _, secret := range []config.Secret{{SecretsManager: *name}, {SSM: *name}} {
		_, err = clients.Secrets(t.Context(), redact.New(), "build.secrets", map[string]config.Secret{"X": secret})
		require.ErrorContains(t, err, "no permission to use the key that encrypts it")
		assert.Contains(t, errs.HintOf(err), "kmsKeyArns")
	}
}
