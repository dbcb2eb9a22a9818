package awssim_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
)

// dockerHome is the variable by which this program is a docker: it pushes an image of one layer by the protocol of
// registries, and notes in that folder the hosts that it was asked to reach.
const dockerHome = "AWSSIM_TEST_DOCKER"

func TestMain(m *testing.M) {
	if home := os.Getenv(dockerHome); home != "" {
		if err := docker(home, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func docker(home string, args []string) error {
	last := args[len(args)-1]
	switch args[0] {
	case "inspect":
		return fmt.Errorf("no such image: %s", last)
	case "login":
		password, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		host := strings.TrimPrefix(strings.TrimPrefix(last, "http://"), "https://")
		if err := os.WriteFile(filepath.Join(home, "password"), bytes.TrimSpace(password), 0o600); err != nil {
			return err
		}
		if err := note(home, host); err != nil {
			return err
		}
		_, err = speak(home, http.MethodGet, "http://"+host+"/v2/", "", nil)
		return err
	case "push":
		host, name, _ := strings.Cut(last, "/")
		name, tag, _ := strings.Cut(name, ":")
		if err := note(home, host); err != nil {
			return err
		}
		return push(home, "http://"+host+"/v2/"+name, tag)
	}
	return nil // build and tag
}

func note(home, host string) error {
	f, err := os.OpenFile(filepath.Join(home, "hosts"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, host)
	return err
}

func push(home, repository, tag string) error {
	config, layer := []byte(`{"architecture":"amd64","os":"linux"}`), []byte("a layer")
	for _, blob := range [][]byte{config, layer} {
		location, err := speak(home, http.MethodPost, repository+"/blobs/uploads/", "", nil)
		if err != nil {
			return err
		}
		target := repository[:strings.Index(repository, "/v2/")] + location + "?digest=" + digest(blob)
		if _, err := speak(home, http.MethodPut, target, "application/octet-stream", blob); err != nil {
			return err
		}
	}
	const kind = "application/vnd.oci.image.manifest.v1+json"
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"c","digest":%q,"size":%d},"layers":[{"mediaType":"l","digest":%q,"size":%d}]}`,
		kind, digest(config), len(config), digest(layer), len(layer))
	_, err := speak(home, http.MethodPut, repository+"/manifests/"+tag, kind, []byte(manifest))
	return err
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// speak makes one request with the login's password, and gives the answer's Location.
func speak(home, method, url, kind string, body []byte) (string, error) {
	password, err := os.ReadFile(filepath.Join(home, "password"))
	if err != nil {
		return "", err
	}
	request, err := http.NewRequest(method, url, bytes.NewReader(body)) //nolint:noctx // a short program
	if err != nil {
		return "", err
	}
	request.SetBasicAuth("AWS", string(password))
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if answer.StatusCode >= 300 {
		return "", fmt.Errorf("%s %s: %s %s", method, url, answer.Status, text)
	}
	return answer.Header.Get("Location"), err
}

const imageApp = `const cdk = require('aws-cdk-lib');
const { DockerImageAsset } = require('aws-cdk-lib/aws-ecr-assets');
const { Asset } = require('aws-cdk-lib/aws-s3-assets');
const stack = new cdk.Stack(new cdk.App(), 'Image', { env: { account: '111111111111', region: 'us-west-2' } });
new cdk.CfnOutput(stack, 'Uri', { value: new DockerImageAsset(stack, 'A', { directory: __dirname + '/image' }).imageUri });
new cdk.CfnOutput(stack, 'Empty', { value: new Asset(stack, 'Nothing', { path: __dirname + '/empty' }).s3ObjectKey }); // its upload signs a content-length of 0
`

// TestTheCDKPushesImagesToTheSimulatorOnly has the real CDK CLI publish an image; its docker goes where the answers of
// ECR send it.
func TestTheCDKPushesImagesToTheSimulatorOnly(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "aws")
	c, _ := ready(t, state, devAccount)
	dir, home := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{"app.js": imageApp, "cdk.json": `{"app":"node app.js"}`, "image/Dockerfile": "FROM scratch\n", "empty": ""} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	self, err := os.Executable()
	require.NoError(t, err)
	printed, err := c.cdkWith([]string{dockerHome + "=" + home, "CDK_DOCKER=" + self}, dir, devAccount, "us-west-2", "deploy", "--require-approval", "never")
	require.NoError(t, err, printed)
	assert.Contains(t, printed, "111111111111.dkr.ecr.us-west-2.amazonaws.com/cdk-hnb659fds-container-assets-", "the template has AWS's address")
	assert.Empty(t, c.Unknown())

	hosts, err := os.ReadFile(filepath.Join(home, "hosts"))
	require.NoError(t, err)
	here := strings.TrimPrefix(c.URL(), "http://")
	require.Equal(t, []string{here, here}, strings.Fields(string(hosts)), "logged in and pushed")

	t.Run("and finds them there later", func(t *testing.T) {
		require.NoError(t, c.Close())
		c := start(t, awssim.Options{Dir: state})
		client := ecr.NewFromConfig(c.as(devAccount, "us-west-2"))
		name := aws.String("cdk-hnb659fds-container-assets-111111111111-us-west-2")
		images, err := client.DescribeImages(ctx, &ecr.DescribeImagesInput{RepositoryName: name})
		require.NoError(t, err)
		require.Len(t, images.ImageDetails, 1)
		require.Len(t, images.ImageDetails[0].ImageTags, 1)
		manifest := c.registry(devAccount, "us-west-2", "/"+*name+"/manifests/"+images.ImageDetails[0].ImageTags[0])
		assert.Contains(t, manifest, digest([]byte("a layer")))
		assert.Equal(t, "a layer", c.registry(devAccount, "us-west-2", "/"+*name+"/blobs/"+digest([]byte("a layer"))))
	})
}

// registry reads from the registry with the account's token.
func (c cloud) registry(account, region, path string) string {
	c.t.Helper()
	home := c.t.TempDir()
	client := ecr.NewFromConfig(c.as(account, region))
	login, err := client.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	require.NoError(c.t, err)
	token, err := base64.StdEncoding.DecodeString(*login.AuthorizationData[0].AuthorizationToken)
	require.NoError(c.t, err)
	require.NoError(c.t, os.WriteFile(filepath.Join(home, "password"), bytes.TrimPrefix(token, []byte("AWS:")), 0o600))
	request, err := http.NewRequest(http.MethodGet, c.URL()+"/v2/"+account+"/"+region+path, nil) //nolint:noctx // a test
	require.NoError(c.t, err)
	request.SetBasicAuth("AWS", strings.TrimPrefix(string(token), "AWS:"))
	answer, err := http.DefaultClient.Do(request)
	require.NoError(c.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(c.t, err)
	require.Equal(c.t, http.StatusOK, answer.StatusCode, string(text))
	return string(text)
}

func TestTheRegistryRefusesAsECRDoes(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	client := ecr.NewFromConfig(c.as(devAccount, ireland))
	made, err := client.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: aws.String("shop/api"), ImageTagMutability: ecrtypes.ImageTagMutabilityImmutable})
	require.NoError(t, err)
	here := strings.TrimPrefix(c.URL(), "http://")
	require.Equal(t, here+"/111111111111/eu-west-1/shop/api", *made.Repository.RepositoryUri)
	login, err := client.GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	require.NoError(t, err)
	require.Equal(t, c.URL(), *login.AuthorizationData[0].ProxyEndpoint)
	require.WithinDuration(t, time.Now().Add(12*time.Hour), *login.AuthorizationData[0].ExpiresAt, time.Minute)
	token, err := base64.StdEncoding.DecodeString(*login.AuthorizationData[0].AuthorizationToken)
	require.NoError(t, err)
	home := t.TempDir()
	logIn := func(password string) {
		require.NoError(t, os.WriteFile(filepath.Join(home, "password"), []byte(password), 0o600))
	}
	repository := c.URL() + "/v2/111111111111/eu-west-1/shop/api"

	logIn("a guess")
	require.ErrorContains(t, push(home, repository, "v1"), "401")
	logIn(strings.TrimPrefix(string(token), "AWS:"))
	require.NoError(t, push(home, repository, "v1"))
	require.NoError(t, push(home, repository, "v1"), "the same again")
	require.ErrorContains(t, push(home, c.URL()+"/v2/111111111111/eu-west-1/shop/other", "v1"), "does not exist in the registry")
	require.ErrorContains(t, push(home, c.URL()+"/v2/222222222222/eu-west-1/shop/api", "v1"), "does not exist in the registry")
	const kind = "application/vnd.oci.image.manifest.v1+json"
	_, err = speak(home, http.MethodPut, repository+"/manifests/v1", kind, []byte(`{"schemaVersion":2}`))
	require.ErrorContains(t, err, "cannot be overwritten because the tag is immutable")
	missing := digest([]byte("never pushed"))
	_, err = speak(home, http.MethodPut, repository+"/manifests/v2", kind, []byte(`{"layers":[{"digest":"`+missing+`"}]}`))
	require.ErrorContains(t, err, "the layer "+missing+" was not pushed")
	_, err = speak(home, http.MethodPut, repository+"/manifests/v2", kind, []byte(`{"manifests":[{"digest":"`+missing+`"}]}`))
	require.ErrorContains(t, err, "of this index was not pushed")
}
