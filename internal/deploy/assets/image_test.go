package assets_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/awssim/bootstrap"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

const remote = "111111111111.dkr.ecr.eu-west-1.amazonaws.com/repo:tag"

// docker is a stand-in program that writes down what it is asked.
func docker(t *testing.T, script string) (log string, env []string) {
	dir := t.TempDir()
	log = filepath.Join(dir, "log")
	program := filepath.Join(dir, "docker")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\necho \"$(basename \"$PWD\") $BUILDX_NO_DEFAULT_ATTESTATIONS: $*\" >> "+log+"\n"+script), 0o755))
	return log, append(os.Environ(), "CDK_DOCKER="+program)
}

func lines(t *testing.T, file string) (list []string) {
	src, err := os.ReadFile(file)
	require.NoError(t, err)
	for line := range strings.Lines(string(src)) {
		_, line, _ = strings.Cut(strings.TrimSpace(line), " ")
		list = append(list, line)
	}
	return list
}

func imageList(image assembly.ImageAsset) *assembly.AssetManifest {
	image.ID, image.Name = "ABC", "Image"
	image.Destinations = []assembly.ImageDestination{{ID: "d", Repository: "repo", Tag: "tag"}}
	return &assembly.AssetManifest{Images: []assembly.ImageAsset{image}}
}

func TestAnImageIsBuiltTaggedAndPushed(t *testing.T) {
	s := newStub(t)
	dir := filepath.Join(t.TempDir(), "context")
	require.NoError(t, os.Mkdir(dir, 0o755))
	log, env := docker(t, `case $1 in inspect) exit 1;; login) test "$(cat)" = password;; build) test "$(basename "$PWD")" = context;; esac`)
	list := imageList(assembly.ImageAsset{Build: &assembly.ImageBuild{
		Dir: dir, File: "Dockerfile.prod", Target: "app", Args: map[string]string{"B": "2", "A": "1"}, Contexts: map[string]string{"x": "y"},
		Secrets: map[string]string{"token": "src=t"}, SSH: "default", Network: "host", Platform: "linux/arm64", Outputs: []string{"type=docker"},
		CacheFrom: []assembly.CacheOption{{Type: "registry", Params: map[string]string{"ref": "r"}}}, CacheTo: &assembly.CacheOption{Type: "inline"}, CacheDisabled: true,
	}})
	p := assets.New(assets.Options{Runner: proc.Runner{}, Env: env})
	require.NoError(t, p.Publish(t.Context(), list, s.place()))
	require.NoError(t, p.Publish(t.Context(), list, s.place()))
	assert.Equal(t, []string{
		": login --username AWS --password-stdin 111111111111.dkr.ecr.eu-west-1.amazonaws.com",
		": inspect cdkasset-abc",
		"1: build --build-arg A=1 --build-arg B=2 --build-context x=y --secret id=token,src=t --ssh default --tag cdkasset-abc --target app" +
			" --file Dockerfile.prod --network host --platform linux/arm64 --output=type=docker --cache-from type=registry,ref=r --cache-to type=inline --no-cache .",
		": tag cdkasset-abc " + remote,
		": push " + remote,
	}, lines(t, log))
}

// A publisher does what a manifest says: what a manifest may say is decided before.
func TestAManifestThatNobodyComparedReadsAFileOfTheHost(t *testing.T) {
	s := newStub(t)
	host := write(t, filepath.Join(t.TempDir(), "token"), "of the host")
	build := assembly.ImageBuild{Dir: t.TempDir(), Secrets: map[string]string{"a": "src=" + host}}
	log, env := docker(t, `case $1 in inspect) exit 1;; build) for arg; do case $arg in id=a,src=*) echo "read: $(cat "${arg#id=a,src=}")" >> "$(dirname "$0")/log";; esac; done;; esac`)
	require.NoError(t, assets.New(assets.Options{Runner: proc.Runner{}, Env: env}).Publish(t.Context(), imageList(assembly.ImageAsset{Build: &build}), s.place()))
	assert.Contains(t, lines(t, log), "of the host", "the attack works on who does not compare")
	assert.Len(t, assets.OptionsOutside(build, build.Dir), 1)
	assert.Empty(t, assets.OptionsOutside(build, build.Dir, filepath.Dir(host)))
}

func TestAnImageInTheRegistryIsNotPushedAndALocalOneIsNotBuiltAgain(t *testing.T) {
	s := newStub(t)
	log, env := docker(t, "")
	list := imageList(assembly.ImageAsset{Build: &assembly.ImageBuild{Dir: t.TempDir()}})
	require.NoError(t, assets.New(assets.Options{Runner: proc.Runner{}, Env: env}).Publish(t.Context(), list, s.place()))
	assert.NotContains(t, strings.Join(lines(t, log), "\n"), ": build")

	s.images["repo:tag"] = true
	require.NoError(t, os.Remove(log))
	require.NoError(t, assets.New(assets.Options{Runner: proc.Runner{}, Env: env}).Publish(t.Context(), list, s.place()))
	assert.NoFileExists(t, log)
}

// TestAnImageThatSomebodyPushedAheadIsUsedAndAPublishedOneIsNotReplaced performs both
// attacks that docs/SECURITY.md names for images: on a repository as the CDK bootstrap makes
// it, and on one that lets tags move.
func TestAnImageThatSomebodyPushedAheadIsUsedAndAPublishedOneIsNotReplaced(t *testing.T) {
	server, err := awssim.New(awssim.Options{})
	require.NoError(t, err)
	url, err := server.Start()
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	keys := server.AddAccount("111111111111")
	account := aws.Config{Region: "eu-west-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, "")}
	client := ecr.NewFromConfig(account)
	to := assets.Target{
		Placeholders: assembly.Placeholders{Account: "111111111111", Region: "eu-west-1", Partition: "aws"},
		Require:      func(context.Context, assembly.Bootstrap) error { return nil },
		Assume:       func(context.Context, assembly.Role, string) (aws.Config, error) { return account, nil },
	}
	var template struct {
		Resources struct {
			ContainerAssetsRepository struct {
				Properties struct{ ImageTagMutability types.ImageTagMutability }
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(bootstrap.Template()), &template))
	for repository, c := range map[string]struct {
		tags     types.ImageTagMutability
		replaced bool
	}{
		"bootstrap": {template.Resources.ContainerAssetsRepository.Properties.ImageTagMutability, false},
		"loose":     {types.ImageTagMutabilityMutable, true},
	} {
		_, err := client.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &repository, ImageTagMutability: c.tags})
		require.NoError(t, err, repository)
		push := func(manifest string) error {
			_, err := client.PutImage(t.Context(), &ecr.PutImageInput{RepositoryName: &repository, ImageManifest: &manifest, ImageTag: aws.String("tag")})
			return err
		}
		require.NoError(t, push(`{"first":true}`), repository)
		log, env := docker(t, "")
		list := imageList(assembly.ImageAsset{Build: &assembly.ImageBuild{Dir: t.TempDir()}})
		list.Images[0].Destinations[0].Repository = repository
		require.NoError(t, assets.New(assets.Options{Runner: proc.Runner{}, Env: env}).Publish(t.Context(), list, to))
		assert.NoFileExists(t, log, "%s: the image that was pushed ahead is used, and none is built", repository)

		err = push(`{"second":true}`)
		assert.Equal(t, c.replaced, err == nil, "%s: %v", repository, err)
		found, err := client.BatchGetImage(t.Context(), &ecr.BatchGetImageInput{RepositoryName: &repository, ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("tag")}}})
		require.NoError(t, err)
		require.Len(t, found.Images, 1)
		assert.Equal(t, c.replaced, strings.Contains(*found.Images[0].ImageManifest, "second"), repository)
	}
}

func TestACommandOfTheManifestBuildsTheImage(t *testing.T) {
	s := newStub(t)
	log, env := docker(t, "")
	list := imageList(assembly.ImageAsset{Command: []string{"sh", "-c", "echo loaded:1"}})
	require.NoError(t, assets.New(assets.Options{Runner: proc.Runner{}, Env: env}).Publish(t.Context(), list, s.place()))
	assert.Contains(t, lines(t, log), ": tag loaded:1 "+remote)
}

func TestAPushIsTriedAgain(t *testing.T) {
	s := newStub(t)
	log, env := docker(t, `if [ $1 = push ] && [ ! -e "$0.tried" ]; then touch "$0.tried"; echo "connection reset" >&2; exit 1; fi`)
	list := imageList(assembly.ImageAsset{Build: &assembly.ImageBuild{Dir: t.TempDir()}})
	require.NoError(t, assets.New(assets.Options{Runner: proc.Runner{}, Env: env}).Publish(t.Context(), list, s.place()))
	assert.Equal(t, 2, strings.Count(strings.Join(lines(t, log), "\n"), ": push"))
}

func TestErrorsOfImagesAreReported(t *testing.T) {
	s := newStub(t)
	list := imageList(assembly.ImageAsset{Build: &assembly.ImageBuild{Dir: t.TempDir()}})
	_, env := docker(t, `if [ $1 = inspect ]; then exit 125; fi; if [ $1 = build ]; then echo "failed to solve" >&2; exit 2; fi`)
	err := assets.New(assets.Options{Runner: proc.Runner{}, Env: env}).Publish(t.Context(), list, s.place())
	require.ErrorContains(t, err, "building the image Image: failed to solve")
	assert.Equal(t, errs.Failed, errs.KindOf(err))

	list.Images[0].Destinations[0].Repository = "missing"
	err = assets.New(assets.Options{Runner: proc.Runner{}, Env: env}).Publish(t.Context(), list, s.place())
	require.ErrorContains(t, err, "there is no ECR repository missing in account 111111111111")
}

func TestWithoutDockerNothingIsPublishedThatNeedsIt(t *testing.T) {
	s, root := newStub(t), t.TempDir()
	list := imageList(assembly.ImageAsset{Build: &assembly.ImageBuild{Dir: root}})
	list.Files = []assembly.FileAsset{{ID: "h", Name: "Template", Path: write(t, filepath.Join(root, "t.json"), "{}"), Destinations: destination("h.json")}}
	bare := assets.Options{Runner: proc.Runner{}, Env: []string{"CDK_DOCKER=no-such-docker"}}
	err := assets.New(bare).Publish(t.Context(), list, s.place())
	require.ErrorContains(t, err, `the image Image must be built: there is no program "no-such-docker"`)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "CDK_DOCKER")
	assert.Empty(t, s.objects)

	s.images["repo:tag"] = true
	require.NoError(t, assets.New(bare).Publish(t.Context(), list, s.place()), "an image that is there needs no docker")
	assert.NotEmpty(t, s.objects)
}

func TestImagesThatCannotBeBuiltAreFoundBeforeAnythingIsDeployed(t *testing.T) {
	_, works := docker(t, "")
	_, silent := docker(t, `[ "$1" != version ] || { echo "Client: 28"; echo "Cannot connect to the Docker daemon" >&2; exit 1; }`)
	_, other := docker(t, "exit 9")
	wrapper := filepath.Join(t.TempDir(), "build-images")
	require.NoError(t, os.WriteFile(wrapper, []byte("#!/bin/sh\nexit 1\n"), 0o755))
	for name, c := range map[string]struct {
		env        []string
		repository string
		there      bool
		says       string
	}{
		"docker works":                               {env: works},
		"there is none":                              {env: []string{"CDK_DOCKER=no-such-docker"}, says: `the image Image must be built: there is no program "no-such-docker"`},
		"its daemon does not answer":                 {env: silent, says: "docker cannot reach its daemon: Cannot connect to the Docker daemon"},
		"the image is there":                         {env: silent, there: true},
		"its repository is yet to be made":           {env: silent, repository: "missing", says: "docker cannot reach its daemon"},
		"a program of that name that has no version": {env: other},
		"a program that need not know its version":   {env: []string{"CDK_DOCKER=" + wrapper}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStub(t)
			s.images["repo:tag"] = c.there
			list := imageList(assembly.ImageAsset{Build: &assembly.ImageBuild{Dir: t.TempDir()}})
			if c.repository != "" {
				list.Images[0].Destinations[0].Repository = c.repository
			}
			err := assets.New(assets.Options{Runner: proc.Runner{}, Env: c.env}).Ready(t.Context(), list, s.place())
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.says)
			assert.Equal(t, errs.Invalid, errs.KindOf(err))
			assert.Contains(t, errs.HintOf(err), "CDK_DOCKER")
		})
	}
}

func TestAnInspectionReportsPublishedAssetsAndPublishesNothing(t *testing.T) {
	s, root := newStub(t), t.TempDir()
	log, env := docker(t, "")
	p := assets.New(assets.Options{Runner: proc.Runner{}, Env: env})
	list := imageList(assembly.ImageAsset{Build: &assembly.ImageBuild{Dir: root}})
	list.Files = []assembly.FileAsset{{ID: "h", Name: "Template", Path: write(t, filepath.Join(root, "t.json"), "{}"), Destinations: destination("h.json")}}
	seen, err := p.Inspect(t.Context(), list, s.place())
	require.NoError(t, err)
	file := assets.Status{Asset: "Template", To: "s3://assets-111111111111-eu-west-1/h.json", Role: "arn:aws:iam::111111111111:role/publishing"}
	assert.Equal(t, []assets.Status{file, {Asset: "Image", To: "repo:tag", Image: true}}, seen)
	assert.NoFileExists(t, log)
	assert.Empty(t, s.objects)

	s.sizes["/assets-111111111111-eu-west-1/h.json"] = 100
	seen, err = p.Inspect(t.Context(), list, s.place())
	require.NoError(t, err)
	assert.True(t, seen[0].Exists)

	list.Images[0].Destinations[0].Repository = "missing"
	_, err = p.Inspect(t.Context(), list, s.place())
	require.ErrorContains(t, err, "there is no ECR repository missing")
}
