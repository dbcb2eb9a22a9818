package assets_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
)

// registries is a simulated account with a repository and two secrets.
func registries(t *testing.T) (place assets.Target, entered *[]string) {
	sim, err := awssim.New(awssim.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	url, err := sim.Start()
	require.NoError(t, err)
	t.Cleanup(func() { _ = sim.Close() })
	keys := sim.AddAccount("111111111111")
	cfg := aws.Config{Region: "eu-west-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, "")}
	for name, text := range map[string]string{"hub": `{"username":"me","secret":"open sesame"}`, "quay": `{"user":"robot","token":"rosebud!"}`, "text": "open sesame"} {
		_, err := secretsmanager.NewFromConfig(cfg).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: &text})
		require.NoError(t, err)
	}
	_, err = ecr.NewFromConfig(cfg).CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("repo")})
	require.NoError(t, err)
	entered = &[]string{}
	return assets.Target{
		Placeholders: assembly.Placeholders{Account: "111111111111", Region: "eu-west-1", Partition: "aws"},
		Require:      func(context.Context, assembly.Bootstrap) error { return nil },
		Assume: func(_ context.Context, role assembly.Role, _ string) (aws.Config, error) {
			if role.ARN != "" {
				*entered = append(*entered, role.ARN)
			}
			return cfg, nil
		},
	}, entered
}

func TestImagesAreBuiltWithTheCredentialsOfTheFileAndPushedWithALogin(t *testing.T) {
	const role = "arn:aws:iam::111111111111:role/reader"
	place, entered := registries(t)
	home := t.TempDir()
	named, inHome := filepath.Join(t.TempDir(), "creds.json"), filepath.Join(home, ".cdk", "cdk-docker-creds.json")
	for name, file := range map[string]string{"CDK_DOCKER_CREDS_FILE": named, "~/.cdk/cdk-docker-creds.json": inHome} {
		t.Run(name, func(t *testing.T) {
			write(t, file, `{"version":"1.0","domainCredentials":{
				"https://index.docker.io/v1/": {"secretsManagerSecretId":"hub"},
				"quay.io": {"secretsManagerSecretId":"quay","secretsUsernameField":"user","secretsPasswordField":"token","assumeRoleArn":"`+role+`"},
				"111111111111.dkr.ecr.eu-west-1.amazonaws.com": {"ecrRepository":true},
				"broken.example": {"secretsManagerSecretId":"text"}, "gone.example": {"secretsManagerSecretId":"gone"}, "odd.example": {}}}`)
			kept := t.TempDir()
			log, env := docker(t, fmt.Sprintf(`for word; do case $word in inspect) exit 1;; build) cp -p "$2/config.json" %s; stat -c %%a "$2/config.json" > %[1]s/mode; echo "$2" > %[1]s/dir;; esac; done`, kept))
			own := []string{"HOME=" + home}
			if file == named {
				own = append(own, "CDK_DOCKER_CREDS_FILE="+named)
			}
			var out bytes.Buffer
			redactor := redact.New()
			p := assets.New(assets.Options{Runner: proc.Runner{}, Env: env, Out: &out, Temp: t.TempDir(), Redactor: redactor, Registries: assets.ReadRegistries(own)})
			require.NoError(t, p.Publish(t.Context(), imageList(assembly.ImageAsset{Build: &assembly.ImageBuild{Dir: t.TempDir()}}), place), out.String())

			var config struct {
				Auths map[string]struct{ Auth string }
			}
			text, err := os.ReadFile(filepath.Join(kept, "config.json"))
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(text, &config))
			logins := map[string]string{}
			for domain, entry := range config.Auths {
				login, err := base64.StdEncoding.DecodeString(entry.Auth)
				require.NoError(t, err)
				logins[domain], _, _ = strings.Cut(string(login), " ")
				assert.Equal(t, redact.Mask, redactor.String(entry.Auth))
			}
			assert.Equal(t, "me:open", logins["https://index.docker.io/v1/"])
			assert.Equal(t, "robot:rosebud!", logins["quay.io"])
			assert.Regexp(t, "^AWS:.+", logins["111111111111.dkr.ecr.eu-west-1.amazonaws.com"])
			assert.Len(t, logins, 3)
			assert.Equal(t, redact.Mask+" "+redact.Mask, redactor.String("open sesame rosebud!"))
			assert.Contains(t, *entered, role)

			assert.Contains(t, out.String(), `no credentials for the registry broken.example: the secret text is not a JSON object`)
			assert.Contains(t, out.String(), "no credentials for the registry gone.example: reading the secret gone:")
			assert.Contains(t, out.String(), "no credentials for the registry odd.example: neither secretsManagerSecretId nor ecrRepository is set")
			assert.NotContains(t, out.String(), "sesame")

			dir := strings.TrimSpace(read(t, filepath.Join(kept, "dir")))
			assert.NoDirExists(t, dir, "the credentials do not outlive the build")
			assert.Equal(t, "600", strings.TrimSpace(read(t, filepath.Join(kept, "mode"))))
			var steps []string
			for _, line := range lines(t, log) {
				words := strings.Fields(strings.ReplaceAll(line, dir, "DIR"))
				steps = append(steps, strings.Join(words[1:min(4, len(words))], " "))
			}
			assert.Len(t, steps, 5)
			assert.Equal(t, []string{"--config DIR inspect", "--config DIR build", "login --username AWS"}, steps[:3])
			assert.NotContains(t, strings.Join(steps[3:], "\n"), "--config")
		})
	}
}

func TestAFileOfRegistriesThatIsNotJSONIsNoneAndOneWithoutRegistriesIsRefused(t *testing.T) {
	s, file := newStub(t), filepath.Join(t.TempDir(), "creds.json")
	log, env := docker(t, "")
	own := []string{"CDK_DOCKER_CREDS_FILE=" + file}
	publish := func(list *assembly.AssetManifest) error {
		return assets.New(assets.Options{Runner: proc.Runner{}, Env: env, Registries: assets.ReadRegistries(own)}).Publish(t.Context(), list, s.place())
	}
	list := imageList(assembly.ImageAsset{Build: &assembly.ImageBuild{Dir: t.TempDir()}})
	write(t, file, "{")
	require.NoError(t, publish(list))
	assert.NotContains(t, strings.Join(lines(t, log), "\n"), "--config")
	for _, text := range []string{"{}", "[]", `{"domainCredentials":{"quay.io":"me"}}`} {
		write(t, file, text)
		err := publish(list)
		require.ErrorContains(t, err, "reading the registry credentials in "+file)
		assert.Equal(t, errs.Invalid, errs.KindOf(err))
	}
}

// TestARegistryFileOfTheRepositoryReadsNoSecret has commands name a secret of the account, as a hook or the
// configuration's env can: in their home, in a file that CDK_DOCKER_CREDS_FILE names, and in the file of the home
// that the program itself has, once it has started.
func TestARegistryFileOfTheRepositoryReadsNoSecret(t *testing.T) {
	place, _ := registries(t)
	home := t.TempDir()
	file := filepath.Join(home, ".cdk", "cdk-docker-creds.json")
	inTime := assets.ReadRegistries([]string{"HOME=" + home})
	write(t, file, `{"domainCredentials":{"attacker.example":{"secretsManagerSecretId":"hub"}}}`)
	publish := func(registries assets.Registries) (config string) {
		kept := filepath.Join(t.TempDir(), "config.json")
		_, env := docker(t, fmt.Sprintf(`for word; do case $word in inspect) exit 1;; build) cp "$2/config.json" %s || true;; esac; done`, kept))
		env = append(env, "HOME="+home, "CDK_DOCKER_CREDS_FILE="+file)
		p := assets.New(assets.Options{Runner: proc.Runner{}, Env: env, Temp: t.TempDir(), Registries: registries})
		require.NoError(t, p.Publish(t.Context(), imageList(assembly.ImageAsset{Build: &assembly.ImageBuild{Dir: t.TempDir()}}), place))
		text, _ := os.ReadFile(kept)
		return string(text)
	}
	assert.Empty(t, publish(inTime))
	late := assets.ReadRegistries([]string{"HOME=" + home})
	assert.Contains(t, publish(late), "attacker.example", "read too late, the attack succeeds")
	assert.Empty(t, publish(assets.ReadRegistries(nil)), "without a home there is no file")
}

func read(t *testing.T, file string) string {
	src, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(src)
}
