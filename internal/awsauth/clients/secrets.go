package clients

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secretstypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
)

// SecretVariable returns the environment variable of ours from which the value of a secret
// is taken, for use without AWS; a local run sets it to the variable of that name.
func SecretVariable(name string) string { return "APHEX_SECRET_" + name }

// longestSecret bounds in bytes the value of a secret, as Linux refuses variables of 128 KiB.
const longestSecret = 100 << 10

// Secrets reads the secrets of a key of the configuration, such as build.secrets, with the
// program's own identity, and returns them as NAME=value. Each is masked from then on.
func Secrets(ctx context.Context, mask *redact.Redactor, key string, secrets map[string]config.Secret) ([]string, error) {
	var variables []string
	var base *aws.Config
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		at := key + "." + name
		value, given := os.LookupEnv(SecretVariable(name))
		if !given {
			if base == nil {
				loaded, err := awsauth.Load(ctx, "")
				if err != nil {
					return nil, err
				}
				base = &loaded
			}
			var err error
			if value, err = readSecret(ctx, *base, secrets[name]); err != nil {
				return nil, explainRead(at, name, secrets[name], err)
			}
		}
		if err := checkValue(at, value); err != nil {
			return nil, err
		}
		for _, part := range partsOf(value) {
			mask.Add(part)
		}
		variables = append(variables, name+"="+value)
	}
	return variables, nil
}

// partsOf returns a value and, if it is a JSON document, every text and number in it that may
// be secret: the usual form in Secrets Manager, of which commands print parts.
func partsOf(value string) []string {
	parts := []string{value}
	decoder := json.NewDecoder(strings.NewReader(value))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		return parts
	}
	var visit func(key string, at any)
	visit = func(key string, at any) {
		switch at := at.(type) {
		case map[string]any:
			for name, inner := range at {
				visit(name, inner)
			}
		case []any:
			for _, inner := range at {
				visit(key, inner)
			}
		case string:
			if !isPlain(key, at) {
				parts = append(parts, at)
			}
		case json.Number:
			if !isPlain(key, at.String()) {
				parts = append(parts, at.String())
			}
		}
	}
	visit("", document)
	return parts
}

var (
	// secretKey matches the keys of a document whose values are always masked: those that
	// name a secret, or nothing.
	secretKey = regexp.MustCompile(`(?i)pass|pwd|phrase|secret|token|key|cred|auth|private|cert|sign|salt|seed|pin|code|value|^(?:.?|data)$`)
	// plainValue matches a word, the name of a region, and the number of an account: what
	// configuration and logs are full of. Masked everywhere, it would hide which environment
	// a run deployed to, and protect nothing.
	plainValue = regexp.MustCompile(`^(?:[a-z]{1,12}|[A-Z]{1,12}|[A-Z][a-z]{1,11}|[a-z]{2}(?:-[a-z]{2,9}){1,3}-[0-9]|[0-9]{12})$`)
)

// isPlain reports whether a value of a document is no secret, by its key and its form.
func isPlain(key, value string) bool {
	return !secretKey.MatchString(key) && plainValue.MatchString(value)
}

// checkValue refuses what cannot be masked or passed on. It never repeats the value.
func checkValue(at, value string) error {
	switch {
	case !slices.ContainsFunc(strings.Split(value, "\n"), func(line string) bool { return len(strings.TrimSpace(line)) >= redact.Shortest }):
		return errs.Invalidf("%s: no line of the value has %d characters, too few to be masked in logs", at, redact.Shortest).WithHint("store a longer secret")
	case len(value) > longestSecret:
		return errs.Invalidf("%s: the value has %d bytes; a variable has at most %d", at, len(value), longestSecret).
			WithHint("name one member with key, or let the command read the secret itself with a role")
	case strings.ContainsRune(value, 0):
		return errs.Invalidf("%s: the value contains a NUL byte, which no variable can", at).WithHint("store it encoded, as base64")
	}
	return nil
}

// notUsable reports a secret whose content is not what the configuration says.
type notUsable struct{ why, hint string }

func (n notUsable) Error() string { return n.why }

func readSecret(ctx context.Context, base aws.Config, secret config.Secret) (string, error) {
	if secret.SSM != "" {
		found, err := ssm.NewFromConfig(base).GetParameter(ctx, &ssm.GetParameterInput{Name: &secret.SSM, WithDecryption: aws.Bool(true)})
		if err != nil {
			return "", err
		}
		return aws.ToString(found.Parameter.Value), nil
	}
	found, err := secretsmanager.NewFromConfig(base).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &secret.SecretsManager})
	switch {
	case err != nil:
		return "", err
	case found.SecretString == nil:
		return "", notUsable{"it is binary, but variables are texts", "aws secretsmanager put-secret-value --secret-id " + secret.SecretsManager + " --secret-string …"}
	case secret.Key == "":
		return *found.SecretString, nil
	}
	return memberOf(*found.SecretString, secret.Key)
}

// memberOf returns a member of a JSON object that is a text, a number or a truth value.
func memberOf(text, key string) (string, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &members) != nil || members == nil {
		return "", notUsable{"it is not a JSON object", "remove the key to use the whole text"}
	}
	value, found := members[key]
	if !found {
		return "", notUsable{fmt.Sprintf("it has no key %q", key), "check the name of the key, in which case matters"}
	}
	var member string
	if json.Unmarshal(value, &member) == nil && string(value) != "null" {
		return member, nil
	}
	if strings.ContainsAny(string(value[:1]), "{[n") {
		return "", notUsable{fmt.Sprintf("its key %q has no text", key), "store a text under that key"}
	}
	return string(value), nil
}

// explainRead names the key of the configuration, the place of the secret, and what to do.
func explainRead(at, name string, secret config.Secret, err error) error {
	what := at + ": the secret " + secret.SecretsManager + " of Secrets Manager"
	create := "aws secretsmanager create-secret --name " + secret.SecretsManager + " --secret-string …"
	if secret.SSM != "" {
		what = at + ": the parameter " + secret.SSM + " of Parameter Store"
		create = "aws ssm put-parameter --type SecureString --name " + secret.SSM + " --value …"
	}
	var unusable notUsable
	switch {
	case errors.As(err, &unusable):
		return errs.Invalidf("%s: %s", what, unusable.why).WithHint("%s", unusable.hint)
	case errors.As(err, new(*secretstypes.ResourceNotFoundException)), errors.As(err, new(*ssmtypes.ParameterNotFound)):
		return errs.Invalidf("%s does not exist", what).
			WithHint("in the account and region of the pipeline: %s; in a local run: export %s=…", create, name)
	case refusesKey(err):
		return errs.Invalidf("%s: no permission to use the key that encrypts it: %w", what, err).WithHint("%s", keyFix)
	case awsauth.IsDenied(err):
		return errs.Invalidf("%s: no permission to read it: %w", what, err).
			WithHint("if no person has approved it yet: %s", plan.ApproveFix)
	case errs.IsTemporary(err):
		return errs.Temporaryf("reading %s: %w", what, err)
	}
	return fmt.Errorf("reading %s: %w", what, err)
}

// keyFix says what to do if a key of KMS is refused.
const keyFix = "name the key in kmsKeyArns, and " + plan.ApproveFix + "; the policy of the key must leave its use to IAM"

// refusesKey reports whether not the secret was refused but the key of KMS that encrypts it.
func refusesKey(err error) bool {
	return awsauth.IsDenied(err) && (strings.Contains(err.Error(), "Access to KMS") || strings.Contains(err.Error(), "kms:Decrypt"))
}
