package conformance_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// made is a stack of an app whose assembly is written here, without the CDK, so
// that its synthesis takes no time.
type made struct {
	name      string
	after     []string // names of other stacks
	resources document
	protected bool
	file      string   // content of a file asset; empty is none
	folder    []string // contents of the files of an asset that is packed
	image     bool     // has an image asset
	published bool     // its template is an asset, as those of the default synthesizer are
}

// document is part of a JSON document.
type document = map[string]any

// resource is one resource of a template.
func resource(kind string, properties document, after ...string) document {
	found := document{"Type": "AWS::" + kind, "Properties": properties}
	if len(after) > 0 {
		found["DependsOn"] = after
	}
	return found
}

// madeApp makes the folder of an app of such stacks, for dev in Ireland.
func madeApp(t *testing.T, stacks ...made) string {
	t.Helper()
	app := t.TempDir()
	writeFile(t, filepath.Join(app, "cdk.json"), `{"app": "cp -r assembly/. $CDK_OUTDIR"}`)
	m := manifest{dir: filepath.Join(app, "assembly"), artifacts: document{}}
	var names []string
	for _, stack := range stacks {
		m.add(t, stack)
		names = append(names, stack.name)
	}
	m.write(t, "manifest.json", document{"version": "48.0.0", "artifacts": m.artifacts})
	configure(t, app, dev, ireland, names...)
	return app
}

// manifest is an assembly being written.
type manifest struct {
	dir       string
	artifacts document
}

const bootstrapRole = "arn:${AWS::Partition}:iam::" + dev + ":role/cdk-hnb659fds-%s-role-" + dev + "-" + ireland

func roleNamed(name string) string { return fmt.Sprintf(bootstrapRole, name) }

func (m manifest) add(t *testing.T, s made) {
	t.Helper()
	template := m.write(t, s.name+".template.json", document{
		"Resources": s.resources, "Outputs": document{"Stack": document{"Value": document{"Ref": "AWS::StackId"}}},
	})
	needs := document{"requiresBootstrapStackVersion": 6, "bootstrapStackVersionSsmParameter": "/cdk-bootstrap/hnb659fds/version"}
	properties := with(needs, document{
		"templateFile": s.name + ".template.json", "assumeRoleArn": roleNamed("deploy"), "cloudFormationExecutionRoleArn": roleNamed("cfn-exec"),
		"terminationProtection": s.protected,
	})
	files, images := m.assets(t, s)
	if s.published {
		files[template] = m.file(s.name+".template.json", "file", template+".json")
		properties["stackTemplateAssetObjectUrl"] = "s3://" + assetBucket + "/" + template + ".json"
	}
	m.write(t, s.name+".assets.json", document{"version": "48.0.0", "files": files, "dockerImages": images})
	m.artifacts[s.name+".assets"] = document{"type": "cdk:asset-manifest", "properties": with(needs, document{"file": s.name + ".assets.json"})}
	m.artifacts[s.name] = document{
		"type": "aws:cloudformation:stack", "environment": "aws://" + dev + "/" + ireland, "displayName": s.name,
		"dependencies": append([]string{s.name + ".assets"}, s.after...), "properties": properties,
	}
}

const assetBucket = "cdk-hnb659fds-assets-" + dev + "-" + ireland

// assets writes a stack's assets and gives the entries of its asset manifest.
func (m manifest) assets(t *testing.T, s made) (files, images document) {
	t.Helper()
	files, images = document{}, document{}
	if s.file != "" {
		writeFile(t, filepath.Join(m.dir, "asset."+s.name+".txt"), s.file)
		files[hash(s.file)] = m.file("asset."+s.name+".txt", "file", hash(s.file)+".txt")
	}
	for i, text := range s.folder {
		writeFile(t, filepath.Join(m.dir, "asset."+s.name, fmt.Sprintf("%d.txt", i)), text)
	}
	if s.folder != nil {
		key := hash(fmt.Sprint(s.folder))
		files[key] = m.file("asset."+s.name, "zip", key+".zip")
	}
	if s.image {
		writeFile(t, filepath.Join(m.dir, "image."+s.name, "Dockerfile"), "FROM scratch\n")
		images[hash(s.name)] = document{
			"source": document{"directory": "image." + s.name},
			"destinations": document{"here": document{
				"repositoryName": "cdk-hnb659fds-container-assets-" + dev + "-" + ireland, "imageTag": hash(s.name), "assumeRoleArn": roleNamed("image-publishing"),
			}},
		}
	}
	return files, images
}

func (m manifest) file(path, packaging, key string) document {
	return document{
		"source":       document{"path": path, "packaging": packaging},
		"destinations": document{"here": document{"bucketName": assetBucket, "objectKey": key, "assumeRoleArn": roleNamed("file-publishing")}},
	}
}

// write writes a JSON document and gives the hash of it.
func (m manifest) write(t *testing.T, name string, content document) string {
	t.Helper()
	text, err := json.Marshal(content)
	require.NoError(t, err)
	writeFile(t, filepath.Join(m.dir, name), string(text))
	return hash(string(text))
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
}

// with joins two objects.
func with(a, b document) document {
	all := document{}
	for _, part := range []document{a, b} {
		for key, value := range part {
			all[key] = value
		}
	}
	return all
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
