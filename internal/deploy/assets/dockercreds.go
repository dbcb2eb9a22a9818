package assets

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/aphex/aphex-pipeline/internal/command"
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

// registryLogins reads the credentials file of registries for builds:
// CDK_DOCKER_CREDS_FILE, or ~/.cdk/cdk-docker-creds.json. As with the CDK CLI, a
// file that does not exist or is not JSON is ignored, and docker's own logins
// apply.
func (p *Publisher) registryLogins(ctx context.Context) (logins map[string]registryLogin, found bool, err error) {
	path := variable(p.options.Env, "CDK_DOCKER_CREDS_FILE")
	if path == "" {
		path = filepath.Join(variable(p.options.Env, "HOME"), ".cdk", "cdk-docker-creds.json")
	}
	var content struct {
		Domains map[string]registryLogin `json:"domainCredentials"`
	}
	scratch, err := os.MkdirTemp(p.options.Temp, "docker-creds-")
	if err != nil {
		return nil, false, errs.Writing(orElse(p.options.Temp, os.TempDir()), err)
	}
	defer os.RemoveAll(scratch)
	file, err := p.options.Runner.Fetch(ctx, path, filepath.Join(scratch, "creds.json"), command.Selection{})
	if errors.Is(err, command.ErrGone) {
		return nil, false, err
	}
	data, err := limits.ReadFile(file, maxDockerConfig)
	if err != nil || !json.Valid(data) {
		return nil, false, nil
	}
	err = json.Unmarshal(data, &content)
	if err == nil && content.Domains == nil {
		err = errors.New("it has no domainCredentials")
	}
	if err != nil {
		return nil, false, errs.Invalidf("reading the registry credentials in %s: %w", path, err).
			WithHint(`expected {"version": "1.0", "domainCredentials": {"<registry>": {"secretsManagerSecretId": "<name or ARN>"}}}`)
	}
	return content.Domains, true, nil
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
	logins, found, err := p.registryLogins(ctx)
	if err != nil || !found {
		return "", err
	}
	return p.configs.do(to.Account+"\n"+to.Region, func() (string, error) {
		type entry struct {
			Auth string `json:"auth"`
		}
		config := struct {
			Auths map[string]entry `json:"auths"`
		}{map[string]entry{}}
		for _, domain := range slices.Sorted(maps.Keys(logins)) {
			user, password, err := p.credentials(ctx, domain, logins[domain], to)
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

// configFolder writes docker's configuration to a private folder. The caller
// removes it.
func (p *Publisher) configFolder(config string) (string, error) {
	dir, err := os.MkdirTemp(p.options.Temp, "docker-config-")
	if err != nil {
		return "", errs.Writing(orElse(p.options.Temp, os.TempDir()), err)
	}
	path := filepath.Join(dir, "config.json")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		return "", errors.Join(errs.Writing(path, err), os.RemoveAll(dir))
	}
	return dir, nil
}
