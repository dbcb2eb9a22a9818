package stageimages

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var folder = flag.String("images", "../../bin/images", "folder with the archives of the stages' images")

// user is the user of all programs, as a number, as only a number proves that it is not root.
const user = "65532:65532"

// forEach runs a test on each image of each stage and platform.
func forEach(t *testing.T, stages []string, test func(t *testing.T, i image)) {
	t.Helper()
	for _, stage := range stages {
		a, err := openArchive(filepath.Join(*folder, stage+".tar"))
		require.NoError(t, err, "BASE=debian images/make makes the archives")
		t.Cleanup(func() { _ = a.file.Close() })
		found, err := a.images(stage)
		require.NoError(t, err)
		for _, i := range found {
			t.Run(i.Stage+"/"+i.Platform, func(t *testing.T) { test(t, i) })
		}
	}
}

// all are the images that images/make makes; tools are those that are built upon the toolbox.
var all, tools = images()

func images() (all, tools []string) {
	dockerfiles, err := filepath.Glob("../../images/*/Dockerfile")
	if err != nil {
		panic(err)
	}
	for _, file := range dockerfiles {
		text, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		name := filepath.Base(filepath.Dir(file))
		if strings.Contains(string(text), "COPY --from=programs") {
			all = append(all, name)
		}
		if strings.Contains(string(text), "\nFROM toolbox\n") {
			tools = append(tools, name)
		}
	}
	return all, tools
}

func TestAnImageRunsItsProgramAsAnUnprivilegedUser(t *testing.T) {
	forEach(t, all, func(t *testing.T, i image) {
		assert.Equal(t, user, i.Config.Config.User)
		assert.Equal(t, []string{i.Stage}, i.Config.Config.Entrypoint)
		assert.Empty(t, i.Config.Config.Cmd)
		assert.Equal(t, "/workspace", i.Config.Config.WorkingDir)
		assert.Contains(t, i.Config.Config.Env, "HOME=/tmp")
		assert.Equal(t, i.Platform, "linux/"+i.Config.Architecture)
	})
}

func TestAnImageHasItsLabels(t *testing.T) {
	forEach(t, all, func(t *testing.T, i image) {
		label := func(name string) string { return i.Config.Config.Labels["org.opencontainers.image."+name] }
		assert.Equal(t, "AphexPipeline "+i.Stage, label("title"))
		assert.NotEmpty(t, label("description"))
		assert.Equal(t, "https://github.com/aphex/aphex-pipeline", label("source"))
		assert.Equal(t, "MIT", label("licenses"))
		assert.NotEmpty(t, label("version"))
		assert.Regexp(t, "^[0-9a-f]{40}$", label("revision"))
	})
}

func TestAnImageHasTheTagsOfItsVersion(t *testing.T) {
	forEach(t, all, func(t *testing.T, i image) {
		var tags []string
		for _, name := range i.Names {
			base, tag, _ := strings.Cut(path.Base(name), ":")
			assert.Equal(t, i.Stage, base)
			tags = append(tags, tag)
		}
		assert.ElementsMatch(t, tagsOf(i.Config.Config.Labels["org.opencontainers.image.version"]), tags)
	})
}

// tagsOf returns the tags of a version: a pre-release, such as 1.5.0-rc.1, has no shorter
// tags; without a version the tag is the commit.
func tagsOf(version string) []string {
	numbers := strings.Split(version, ".")
	switch {
	case strings.Contains(version, "-"):
		return []string{version}
	case len(numbers) == 3:
		return []string{version, numbers[0] + "." + numbers[1], numbers[0], "latest"}
	default:
		return []string{"latest"}
	}
}

// A rebuild of the commit from scratch has the same times on any day.
func TestNoTimeIsLaterThanTheCommits(t *testing.T) {
	forEach(t, all, func(t *testing.T, i image) {
		revision := i.Config.Config.Labels["org.opencontainers.image.revision"]
		output, err := exec.Command("git", "log", "-1", "--format=%ct", revision).Output()
		require.NoError(t, err, "the commit %s is not here", revision)
		seconds, err := strconv.ParseInt(strings.TrimSpace(string(output)), 10, 64)
		require.NoError(t, err)
		commit := time.Unix(seconds, 0)
		assert.True(t, commit.Equal(i.Config.Created), "created %s, committed %s", i.Config.Created, commit)
		members, err := i.members()
		require.NoError(t, err)
		for _, m := range members {
			assert.False(t, m.header.ModTime.After(commit), "%s is of %s", m.name, m.header.ModTime)
		}
	})
}

func TestNoProgramInAnImageIsSetuid(t *testing.T) {
	forEach(t, all, func(t *testing.T, i image) {
		files, err := i.files()
		require.NoError(t, err)
		for name, header := range files {
			if header.Typeflag == tar.TypeReg {
				assert.Zero(t, header.Mode&0o6000, name)
			}
		}
	})
}

// bare are the images with nothing but a program.
var bare = []string{"validator", "generator"}

func TestABareImageIsOneStaticProgramAndCertificates(t *testing.T) {
	forEach(t, bare, func(t *testing.T, i image) {
		files, err := i.files()
		require.NoError(t, err)
		var names []string
		for name, header := range files {
			if header.Typeflag != tar.TypeDir {
				names = append(names, name)
			}
		}
		assert.ElementsMatch(t, []string{"etc/ssl/certs/ca-certificates.crt", "usr/local/bin/" + i.Stage}, names)
		assert.LessOrEqual(t, i.compressed(), int64(30_000_000))
	})
}

func TestTheProgramOfAnImageIsStaticAndOfItsPlatform(t *testing.T) {
	machines := map[string]elf.Machine{"linux/amd64": elf.EM_X86_64, "linux/arm64": elf.EM_AARCH64}
	forEach(t, all, func(t *testing.T, i image) {
		content, err := i.content("usr/local/bin/" + i.Stage)
		require.NoError(t, err)
		program, err := elf.NewFile(bytes.NewReader(content))
		require.NoError(t, err)
		assert.Equal(t, machines[i.Platform], program.Machine)
		for _, part := range program.Progs {
			assert.NotEqual(t, elf.PT_INTERP, part.Type, "it asks for a dynamic linker")
		}
	})
}

func TestAnImageHasAttestationsOfItsBuild(t *testing.T) {
	forEach(t, all, func(t *testing.T, i image) {
		statement := struct {
			Subject []struct {
				Digest struct{ Sha256 string }
			}
			Predicate struct {
				BuildDefinition struct {
					InternalParameters struct{ BuildConfig json.RawMessage }
				}
			}
		}{}
		for _, found := range i.Statements {
			if found.Annotations[predicate] == provenance {
				require.NoError(t, i.archive.decode(found.Digest, &statement))
			}
		}
		require.NotEmpty(t, statement.Subject, "no provenance")
		assert.Equal(t, i.Digest, "sha256:"+statement.Subject[0].Digest.Sha256)
		assert.NotEmpty(t, statement.Predicate.BuildDefinition.InternalParameters.BuildConfig, "the provenance lacks the build steps")
	})
}

// The source of the table of sizes in docs/performance.md. The digests are for comparing two builds.
func TestSizesOfTheImages(t *testing.T) {
	forEach(t, all, func(t *testing.T, i image) {
		t.Logf("%-9s %s %6.1f MB  %s", i.Stage, i.Platform, float64(i.compressed())/1e6, i.Digest)
	})
}

// setting reads the default of a variable in docker-bake.hcl.
func setting(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile("../../docker-bake.hcl")
	require.NoError(t, err)
	found := regexp.MustCompile(`variable "` + name + `" \{\s*default = "([^"]*)"`).FindSubmatch(content)
	require.NotNil(t, found)
	return string(found[1])
}

// Deployments are compared with the CLI of the example; the images must have the same one.
func TestTheImagesHaveTheCDKCLIOfTheExample(t *testing.T) {
	content, err := os.ReadFile("../../examples/shop/package.json")
	require.NoError(t, err)
	var app struct{ DevDependencies map[string]string }
	require.NoError(t, json.Unmarshal(content, &app))
	assert.Equal(t, app.DevDependencies["aws-cdk"], setting(t, "CDK_VERSION"))
}
