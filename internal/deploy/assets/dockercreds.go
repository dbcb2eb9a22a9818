package assets

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// registryLogin is the source of the credentials for one registry, in the file
// format of CDK Pipelines.
type registryLogin struct {
	SecretID      string `json:"secretsManagerSecretId"` // name or ARN
	UsernameField string `json:"secretsUsernameField"`   // "" is "username"
	PasswordField string `json:"secretsPasswordField"`   // "" is "secret"
	ECR           bool   `json:"ecrRepository"`
	Role          string `json:"assumeRoleArn"` // reads them; "" is the role of the environment
}

// maxDockerConfig is the largest credentials file, in bytes.
const maxDockerConfig = 1 << 20

// Registries say where the credentials of registries for builds are. The zero value is
// nowhere: docker's own logins apply.
type Registries struct {
	logins map[string]registryLogin // by domain
	found  bool
	err    error // for who builds an image
}

// ReadRegistries reads the credentials file of registries that the environment of this
// program names: CDK_DOCKER_CREDS_FILE, or ~/.cdk/cdk-docker-creds.json. As with the CDK
// CLI, a file that does not exist or is not JSON is ignored.
//
// The file names secrets to read and roles to assume with the rights of this program, so
// call it before any command of the repository runs: these could write the file. What they
// write to their own home, or name in their own variables, is never read.
func ReadRegistries(environ []string) Registries {
	path := variable(environ, "CDK_DOCKER_CREDS_FILE")
	if home := variable(environ, "HOME"); path == "" && home != "" {
		path = filepath.Join(home, ".cdk", "cdk-docker-creds.json")
	}
	var content struct {
		Domains map[string]registryLogin `json:"domainCredentials"`
	}
	data, err := limits.ReadFile(path, maxDockerConfig)
	if err != nil || !json.Valid(data) {
		return Registries{}
	}
	err = json.Unmarshal(data, &content)
	if err == nil && content.Domains == nil {
		err = errors.New("it has no domainCredentials")
	}
	if err != nil {
		return Registries{err: errs.Invalidf("reading the registry credentials in %s: %w", path, err).
			WithHint(`expected {"version": "1.0", "domainCredentials": {"<registry>": {"secretsManagerSecretId": "<name or ARN>"}}}`)}
	}
	return Registries{logins: content.Domains, found: true}
}

func variable(env []string, name string) (value string) {
	for _, entry := range env {
		if given, found := strings.CutPrefix(entry, name+"="); found {
			value = given
		}
	}
	return value
}

// dockerConfig returns docker's configuration for builds, as JSON with the
// credentials of each registry in the file; "" if there is no file. It reports and
// skips a registry whose credentials cannot be read, as the build may not need it.
func (p *Publisher) dockerConfig(ctx context.Context, to Target) (string, error) {
	registries := p.options.Registries
	if registries.err != nil || !registries.found {
		return "", registries.err
	}
	return p.configs.do(to.Account+"\n"+to.Region, func() (string, error) {
		type entry struct {
			Auth string `json:"auth"`
		}
		config := struct {
			Auths map[string]entry `json:"auths"`
		}{map[string]entry{}}
		for _, domain := range slices.Sorted(maps.Keys(registries.logins)) {
			user, password, err := p.credentials(ctx, domain, registries.logins[domain], to)
			if ctx.Err() != nil {
				return "", ctx.Err()
			}
			if err != nil {
				fmt.Fprintf(p.options.Out, "no credentials for the registry %s: %v\n", domain, err)
				continue
			}
			auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
			p.options.Redactor.Add(password)
			p.options.Redactor.Add(auth)
			config.Auths[domain] = entry{auth}
		}
		text, err := json.Marshal(config)
		return string(text), err
	})
}

// credentials fetches the user and the password for a registry.
func (p *Publisher) credentials(ctx context.Context, domain string, login registryLogin, to Target) (user, password string, err error) {
	if login.SecretID == "" && !login.ECR {
		return "", "", errs.Invalidf("neither secretsManagerSecretId nor ecrRepository is set")
	}
	cfg, err := to.Assume(ctx, assembly.Role{ARN: login.Role}, to.Region)
	if err != nil {
		return "", "", err
	}
	if login.SecretID == "" {
		return ecrLogin(ctx, ecr.NewFromConfig(cfg), domain)
	}
	found, err := secretsmanager.NewFromConfig(cfg).GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &login.SecretID})
	if err != nil {
		return "", "", fmt.Errorf("reading the secret %s: %w", login.SecretID, err)
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(aws.ToString(found.SecretString)), &fields); err != nil {
		return "", "", errs.Invalidf("the secret %s is not a JSON object", login.SecretID) // the error would quote it
	}
	userField, passwordField := orElse(login.UsernameField, "username"), orElse(login.PasswordField, "secret")
	user, _ = fields[userField].(string)
	password, _ = fields[passwordField].(string)
	if user == "" || password == "" {
		return "", "", errs.Invalidf("the secret %s has no text in its field %q or %q", login.SecretID, userField, passwordField)
	}
	return user, password, nil
}
