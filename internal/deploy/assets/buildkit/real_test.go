package buildkit_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets/buildkit"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
)

const account, region, repository = "111111111111", "eu-west-1", "images"

// daemon starts the BuildKit that e2e/programs built, with further arguments.
func daemon(t *testing.T, arguments ...string) {
	t.Helper()
	pins, err := os.ReadFile("../../../../e2e/images/go.mod")
	require.NoError(t, err)
	version := regexp.MustCompile(`(?m)^\s*github.com/moby/buildkit (\S+)`).FindSubmatch(pins)
	require.NotNil(t, version, "e2e/images/go.mod pins BuildKit")
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	program := filepath.Join(cache, "aphex-pipeline", "e2e", "buildkit-"+string(version[1]), "buildkitd")
	if _, err := os.Stat(program); err != nil {
		t.Skipf("there is no %s: run e2e/programs images", program)
	}
	if _, err := exec.LookPath("runc"); err != nil || os.Geteuid() != 0 {
		t.Skip("BuildKit needs root and the program runc")
	}
	root := t.TempDir()
	log, err := os.Create(filepath.Join(root, "log"))
	require.NoError(t, err)
	process := exec.Command(program, append([]string{"--root", filepath.Join(root, "state"), "--oci-worker-snapshotter=native", "--containerd-worker=false"}, arguments...)...)
	process.Stdout, process.Stderr = log, log
	require.NoError(t, process.Start())
	t.Cleanup(func() {
		_ = process.Process.Signal(os.Interrupt)
		_ = process.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("%s", text[max(0, len(text)-4096):])
		}
	})
}

// socket starts a BuildKit, and returns a builder that is ready.
func socket(t *testing.T) *buildkit.Builder {
	t.Helper()
	dir, err := os.MkdirTemp("", "bk") // short, as a socket's path must be
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	address := "unix://" + filepath.Join(dir, "s")
	daemon(t, "--addr", address)
	return ready(t, assets.BuilderAddress{ImageBuilder: address})
}

func ready(t *testing.T, at assets.BuilderAddress) *buildkit.Builder {
	t.Helper()
	builder, err := buildkit.Open(t.Context(), at)
	require.NoError(t, err)
	t.Cleanup(func() { _ = builder.Close() })
	require.Eventually(t, func() bool { return builder.Ready(t.Context()) == nil }, time.Minute, 20*time.Millisecond)
	return builder
}

// world is a simulated account with a repository, and a publisher with a builder.
type world struct {
	t       *testing.T
	client  *ecr.Client
	target  assets.Target
	root    string // of the assembly
	out     bytes.Buffer
	events  []assets.Step
	options assets.Options
}

func newWorld(t *testing.T, builder assets.ImageBuilder) *world {
	t.Helper()
	server, err := awssim.New(awssim.Options{})
	require.NoError(t, err)
	url, err := server.Start()
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	keys := server.AddAccount(account)
	cfg := aws.Config{Region: region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, "")}
	w := &world{t: t, client: ecr.NewFromConfig(cfg), root: t.TempDir(), target: assets.Target{
		Placeholders: assembly.Placeholders{Account: account, Region: region, Partition: "aws"},
		Require:      func(context.Context, assembly.Bootstrap) error { return nil },
		Assume:       func(context.Context, assembly.Role, string) (aws.Config, error) { return cfg, nil },
	}}
	_, err = w.client.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(repository)})
	require.NoError(t, err)
	w.options = assets.Options{
		Runner: proc.Runner{}, ImageBuilder: builder, Out: &w.out, Redactor: redact.New(), AtOnce: 1, Env: []string{"TOKEN=of the environment"},
		Notify: func(e assets.Event) { w.events = append(w.events, e.Step) },
	}
	step := exec.Command("go", "build", "-ldflags=-s -w", "-o", filepath.Join(w.root, "app", "step"), "./testdata/step")
	step.Env = append(os.Environ(), "CGO_ENABLED=0")
	text, err := step.CombinedOutput()
	require.NoError(t, err, string(text))
	return w
}

func (w *world) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.root, name)
	require.NoError(w.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(w.t, os.WriteFile(path, []byte(text), 0o644))
}

// publish publishes an image whose folder is app.
func (w *world) publish(ctx context.Context, tag string, build assembly.ImageBuild) error {
	build.Dir = filepath.Join(w.root, "app")
	return assets.New(w.options).Publish(ctx, &assembly.AssetManifest{Root: w.root, Dir: w.root, Images: []assembly.ImageAsset{{
		ID: tag, Name: "Image", Build: &build, Destinations: []assembly.ImageDestination{{ID: "here", Repository: repository, Tag: tag}},
	}}}, w.target)
}

// reference names an image as the registry knows it, with the login for it.
func (w *world) reference(tag string) (name.Reference, remote.Option) {
	w.t.Helper()
	found, err := w.client.DescribeRepositories(w.t.Context(), &ecr.DescribeRepositoriesInput{})
	require.NoError(w.t, err)
	answer, err := w.client.GetAuthorizationToken(w.t.Context(), &ecr.GetAuthorizationTokenInput{})
	require.NoError(w.t, err)
	token, err := base64.StdEncoding.DecodeString(*answer.AuthorizationData[0].AuthorizationToken)
	require.NoError(w.t, err)
	user, password, _ := strings.Cut(string(token), ":")
	reference, err := name.ParseReference(*found.Repositories[0].RepositoryUri + ":" + tag)
	require.NoError(w.t, err)
	return reference, remote.WithAuth(&authn.Basic{Username: user, Password: password})
}

// pushed returns an image of the registry, and its files.
func (w *world) pushed(tag string) (*v1.ConfigFile, map[string]string) {
	w.t.Helper()
	reference, login := w.reference(tag)
	image, err := remote.Image(reference, login)
	require.NoError(w.t, err)
	config, err := image.ConfigFile()
	require.NoError(w.t, err)
	flat := mutate.Extract(image)
	defer flat.Close()
	files, members := map[string]string{}, tar.NewReader(flat)
	for {
		header, err := members.Next()
		if errors.Is(err, io.EOF) {
			return config, files
		}
		require.NoError(w.t, err)
		text, err := io.ReadAll(members)
		require.NoError(w.t, err)
		if header.Typeflag == tar.TypeSymlink {
			text = []byte("-> " + header.Linkname)
		}
		if header.Typeflag != tar.TypeDir {
			files[strings.TrimPrefix(header.Name, "/")] = string(text)
		}
	}
}

func TestImagesAreBuiltByARealBuildKitAndPushedToTheirRepository(t *testing.T) {
	builder := socket(t)
	t.Run("a Lambda function of two stages, with a secret that is in neither the image nor the output", func(t *testing.T) {
		w := newWorld(t, builder)
		w.write("secret", "swordfish\n")
		w.write("other/notes", "named context")
		w.write("app/handler.js", "exports.handler = 1")
		w.write("app/node_modules/big", "left out")
		w.write("app/.dockerignore", "node_modules\n")
		w.write("app/Dockerfile.lambda", `FROM scratch AS build
ARG VERSION
COPY step /step
COPY --from=notes notes /notes
RUN --mount=type=secret,id=token --mount=type=secret,id=env ["/step", "/run/secrets/token", "/run/secrets/env", "/made"]
FROM build AS unused
RUN ["/step", "/missing", "fail"]
FROM scratch AS function
ARG VERSION
COPY --from=build /notes /var/task/notes
COPY . /var/task/
LABEL version=$VERSION
CMD ["handler.handler"]
`)
		build := assembly.ImageBuild{
			File: "Dockerfile.lambda", Target: "function", Args: map[string]string{"VERSION": "7"}, Contexts: map[string]string{"notes": "../other"},
			Secrets: map[string]string{"token": "src=../secret", "env": "env=TOKEN"}, Outputs: []string{"type=docker"}, Network: "none",
			CacheTo: &assembly.CacheOption{Type: "inline"},
		}
		require.NoError(t, w.publish(t.Context(), "lambda", build))
		config, files := w.pushed("lambda")
		assert.Equal(t, "amd64", config.Architecture)
		assert.Equal(t, "7", config.Config.Labels["version"])
		assert.Equal(t, []string{"handler.handler"}, config.Config.Cmd)
		assert.Equal(t, "named context", files["var/task/notes"])
		assert.Equal(t, "exports.handler = 1", files["var/task/handler.js"])
		assert.NotContains(t, files, "var/task/node_modules/big")
		assert.NotContains(t, w.out.String(), "swordfish")
		assert.Contains(t, w.out.String(), "[function 2/2] COPY . /var/task/")
		assert.Equal(t, []assets.Step{assets.Building, assets.Uploading, assets.Published}, w.events)

		build.Target = "build"
		require.NoError(t, w.publish(t.Context(), "stage", build))
		_, files = w.pushed("stage")
		assert.Equal(t, "swordfish\nof the environment", files["made"], "the step had both secrets")

		require.NoError(t, w.publish(t.Context(), "lambda", assembly.ImageBuild{File: "missing"}))
		assert.Equal(t, assets.Found, w.events[len(w.events)-1], "what is there is not built again")
	})
	t.Run("another platform, on a base image of the same repository that needs its login", func(t *testing.T) {
		w := newWorld(t, builder)
		w.write("app/Dockerfile", "FROM scratch\nCOPY base /base\n")
		w.write("app/base", "base")
		require.NoError(t, w.publish(t.Context(), "base", assembly.ImageBuild{Platform: "linux/arm64"}))
		base, _ := w.reference("base")
		w.write("app/Dockerfile", "FROM "+base.Name()+"\nCOPY own /own\n")
		w.write("app/own", "own")
		require.NoError(t, w.publish(t.Context(), "own", assembly.ImageBuild{Platform: "linux/arm64", CacheFrom: []assembly.CacheOption{{Type: "registry", Params: map[string]string{"ref": base.Name()}}}}))
		config, files := w.pushed("own")
		assert.Equal(t, "arm64", config.Architecture)
		assert.Equal(t, map[string]string{"base": "base", "own": "own"}, files)
	})
	t.Run("links are copied, and none is followed out of the folder", func(t *testing.T) {
		w := newWorld(t, builder)
		w.write("outside", "of the host")
		w.write("app/inside", "inside")
		for link, to := range map[string]string{"in": "inside", "out": "../outside", "away": "/etc"} {
			require.NoError(t, os.Symlink(to, filepath.Join(w.root, "app", link)))
		}
		w.write("app/Dockerfile", "FROM scratch\nCOPY . /all/\nCOPY in /copy\n")
		require.NoError(t, w.publish(t.Context(), "links", assembly.ImageBuild{}))
		_, files := w.pushed("links")
		assert.Equal(t, "-> ../outside", files["all/out"])
		assert.Equal(t, "-> /etc", files["all/away"])
		assert.Equal(t, "inside", files["copy"])
		w.write("app/Dockerfile", "FROM scratch\nCOPY out /copy\n")
		require.ErrorContains(t, w.publish(t.Context(), "out", assembly.ImageBuild{}), "not found")
		require.NoError(t, os.Symlink("../outside", filepath.Join(w.root, "app", "Dockerfile.out")))
		require.ErrorContains(t, w.publish(t.Context(), "file", assembly.ImageBuild{File: "Dockerfile.out"}), "escapes")
	})
	t.Run("a step that fails is named with its last lines, which are masked", func(t *testing.T) {
		w := newWorld(t, builder)
		w.write("secret", "swordfish")
		w.write("app/Dockerfile", "FROM scratch\nCOPY step /step\nRUN --mount=type=secret,id=token [\"/step\", \"/run/secrets/token\", \"fail\"]\n")
		err := w.publish(t.Context(), "fails", assembly.ImageBuild{Secrets: map[string]string{"token": "src=../secret"}})
		require.ErrorContains(t, err, `building the image Image, step "[stage-0 2/2] RUN`)
		require.ErrorContains(t, err, "last output:\n    copied ")
		assert.Equal(t, errs.Failed, errs.KindOf(err))
		assert.NotContains(t, err.Error()+w.out.String(), "swordfish")
	})
	t.Run("a step gets neither the host nor an entitlement", func(t *testing.T) {
		w := newWorld(t, builder)
		for _, flag := range []string{"--network=host", "--security=insecure"} {
			w.write("app/Dockerfile", "FROM scratch\nCOPY step /step\nRUN "+flag+" [\"/step\", \"/step\", \"/made\"]\n")
			err := w.publish(t.Context(), "flag", assembly.ImageBuild{})
			require.Error(t, err, flag)
			assert.Regexp(t, "is not allowed|unknown flag", err.Error(), flag)
		}
	})
	t.Run("a registry that no login is for gets none", func(t *testing.T) {
		w := newWorld(t, builder)
		other := newWorld(t, builder)
		other.write("app/Dockerfile", "FROM scratch\nCOPY step /step\n")
		require.NoError(t, other.publish(t.Context(), "other", assembly.ImageBuild{}))
		base, _ := other.reference("other")
		w.write("app/Dockerfile", "FROM "+base.Name()+"\nCOPY step /own\n")
		require.ErrorContains(t, w.publish(t.Context(), "own", assembly.ImageBuild{}), base.Context().Name())
	})
	t.Run("a tag that is a list of images is pushed nowhere", func(t *testing.T) {
		w := newWorld(t, builder)
		w.write("app/Dockerfile", "FROM scratch\nCOPY step /step\n")
		second, login := w.reference("second")
		require.ErrorContains(t, w.publish(t.Context(), "first,"+second.Name(), assembly.ImageBuild{}), "it is not the name of one image")
		_, err := remote.Head(second, login)
		require.Error(t, err)
	})
	t.Run("a build that is stopped ends", func(t *testing.T) {
		w := newWorld(t, builder)
		w.write("app/Dockerfile", "FROM scratch\nCOPY step /step\nRUN [\"/step\", \"/step\", \"sleep\"]\n")
		ctx, cancel := context.WithCancel(t.Context())
		w.options.Out = writerFunc(func(text []byte) {
			if strings.Contains(string(text), "copied") {
				cancel()
			}
		})
		err := w.publish(ctx, "stopped", assembly.ImageBuild{})
		assert.Equal(t, errs.Cancelled, errs.KindOf(err), err)
	})
}

type writerFunc func([]byte)

func (f writerFunc) Write(text []byte) (int, error) {
	f(text)
	return len(text), nil
}

func TestABuildKitIsReachedWithItsCertificatesAlone(t *testing.T) {
	own, foreign := certificates(t, "builder.test"), certificates(t, "builder.test")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := "tcp://" + listener.Addr().String()
	require.NoError(t, listener.Close())
	at := assets.BuilderAddress{ImageBuilder: address, ImageBuilderTLS: own, ImageBuilderServerName: "builder.test"}
	silent, err := buildkit.Open(t.Context(), at)
	require.NoError(t, err)
	assert.Equal(t, errs.Temporary, errs.KindOf(silent.Ready(t.Context())), "it may start")
	require.NoError(t, silent.Close())

	daemon(t, "--addr", address, "--tlscacert", own+"/ca.pem", "--tlscert", own+"/server.pem", "--tlskey", own+"/server-key.pem")
	w := newWorld(t, ready(t, at))
	w.write("app/Dockerfile", "FROM scratch\nCOPY step /step\n")
	require.NoError(t, w.publish(t.Context(), "tls", assembly.ImageBuild{}))

	for what, wrong := range map[string]assets.BuilderAddress{
		"without a certificate":       {ImageBuilder: address},
		"with one of another issuer":  {ImageBuilder: address, ImageBuilderTLS: foreign, ImageBuilderServerName: "builder.test"},
		"by another name":             {ImageBuilder: address, ImageBuilderTLS: own, ImageBuilderServerName: "other.test"},
		"by a name that it lacks too": {ImageBuilder: address, ImageBuilderTLS: own},
	} {
		builder, err := buildkit.Open(t.Context(), wrong)
		require.NoError(t, err, what)
		require.Error(t, builder.Ready(t.Context()), what)
		require.NoError(t, builder.Close())
	}
}

// certificates makes a folder with an issuer, and certificates of it for a server and a client.
func certificates(t *testing.T, host string) string {
	t.Helper()
	dir := t.TempDir()
	issuer := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "issuer"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	var signer *ecdsa.PrivateKey
	for number, names := range [][2]string{{"ca.pem", "ca-key.pem"}, {"server.pem", "server-key.pem"}, {"cert.pem", "key.pem"}} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		certificate := issuer
		if number > 0 {
			certificate = &x509.Certificate{
				SerialNumber: big.NewInt(int64(number + 1)), DNSNames: []string{host},
				ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
			}
		} else {
			signer = key
		}
		certificate.NotAfter = time.Now().Add(time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, certificate, issuer, key.Public(), signer)
		require.NoError(t, err)
		private, err := x509.MarshalECPrivateKey(key)
		require.NoError(t, err)
		for name, block := range map[string]*pem.Block{names[0]: {Type: "CERTIFICATE", Bytes: der}, names[1]: {Type: "EC PRIVATE KEY", Bytes: private}} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600), fmt.Sprint(name))
		}
	}
	return dir
}
