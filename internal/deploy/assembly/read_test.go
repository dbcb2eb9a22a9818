package assembly_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
)

func stack(t *testing.T, a *assembly.Assembly, path string) assembly.Stack {
	t.Helper()
	for _, s := range a.Stacks {
		if s.Path == path {
			return s
		}
	}
	require.Fail(t, "no stack "+path)
	return assembly.Stack{}
}

func TestAStackCarriesAllThatADeploymentNeeds(t *testing.T) {
	a := read(t, golden)
	data := stack(t, a, "Data")
	assert.Equal(t, "55.0.0", a.Version)
	assert.Equal(t, "Data", data.Name)
	assert.Equal(t, assembly.Environment{Account: "111111111111", Region: "eu-west-1"}, data.Environment)
	assert.Equal(t, filepath.Join(a.Dir, "Data.template.json"), data.Template)
	assert.Regexp(t, `^s3://cdk-hnb659fds-assets-111111111111-eu-west-1/[0-9a-f]{64}\.json$`, data.TemplateURL)
	assert.Equal(t, map[string]string{"team": "shop", "tier": "data"}, data.Tags)
	assert.Equal(t, []string{"arn:aws:sns:eu-west-1:111111111111:events"}, data.NotificationARNs)
	assert.True(t, data.TerminationProtection)
	assert.Equal(t, "arn:${AWS::Partition}:iam::111111111111:role/cdk-hnb659fds-deploy-role-111111111111-eu-west-1", data.DeployRole.ARN)
	assert.Equal(t, "arn:${AWS::Partition}:iam::111111111111:role/cdk-hnb659fds-cfn-exec-role-111111111111-eu-west-1", data.ExecutionRole)
	assert.Equal(t, "arn:${AWS::Partition}:iam::111111111111:role/cdk-hnb659fds-lookup-role-111111111111-eu-west-1", data.LookupRole.ARN)
	assert.Equal(t, assembly.Bootstrap{MinVersion: 6, Parameter: "/cdk-bootstrap/hnb659fds/version"}, data.Bootstrap)
	assert.Nil(t, stack(t, a, "Web").NotificationARNs, "not declared means not managed")
}

func TestTheFlagsThatAreInForceAreRead(t *testing.T) {
	dir := t.TempDir()
	manifest := `{"version": "55.0.0", "artifacts": {"aws-cdk-lib/feature-flag-report": {"type": "cdk:feature-flag-report", "properties": {
		"module": "aws-cdk-lib", "flags": {
			"on": {"userValue": true, "recommendedValue": true}, "off": {"userValue": false, "unconfiguredBehavesLike": {"v2": true}},
			"open": {"recommendedValue": true}, "implied": {"unconfiguredBehavesLike": {"v2": true}}}}}}}`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(manifest), 0o600))
	assert.Equal(t, map[string]any{"on": true, "off": false, "open": nil, "implied": true}, read(t, dir).Flags)
}

func TestStacksOfAStageAreFoundInItsNestedAssembly(t *testing.T) {
	a := read(t, golden)
	assert.Equal(t, "prod-data", stack(t, a, "Prod/Data").Name)
	web := stack(t, a, "Prod/Web")
	assert.Equal(t, "Prod-Web", web.Name)
	assert.Equal(t, []string{stack(t, a, "Prod/Data").ID}, web.After)
	require.Len(t, web.Assets, 1)
	require.NotEmpty(t, web.Assets[0].Files)
	assert.Equal(t, a.Dir, filepath.Dir(web.Assets[0].Files[0].Path), "a Stage shares the assets of the outer assembly")
}

func TestPlaceholdersAreKeptUntilTheAccountIsKnown(t *testing.T) {
	anywhere := stack(t, read(t, golden), "Anywhere")
	assert.Equal(t, "aws://unknown-account/unknown-region", anywhere.Environment.String())
	assert.Equal(t, assembly.Environment{}, anywhere.Environment)
	here := assembly.Placeholders{Account: "333333333333", Region: "cn-north-1", Partition: "aws-cn"}
	assert.Equal(t, assembly.Role{
		ARN:        "arn:aws-cn:iam::333333333333:role/cdk-shop-deploy-role-333333333333-cn-north-1",
		ExternalID: "secret-word", Tags: map[string]string{"team": "shop"},
	}, here.Role(anywhere.DeployRole))
}

func TestAssetsAreFilesFoldersAndImages(t *testing.T) {
	a := read(t, golden)
	list := stack(t, a, "Web").Assets[0]
	assert.Equal(t, 6, list.Bootstrap.MinVersion)
	byName := map[string]assembly.FileAsset{}
	for _, file := range list.Files {
		byName[file.Name] = file
	}
	assert.True(t, byName["Code"].Zip)
	assert.FileExists(t, filepath.Join(byName["Code"].Path, "index.js"))
	assert.False(t, byName["Note"].Zip)
	to := byName["Note"].Destinations[0]
	assert.Equal(t, "cdk-hnb659fds-assets-111111111111-eu-west-1", to.Bucket)
	assert.Equal(t, byName["Note"].ID+".txt", to.Key)
	assert.Equal(t, "eu-west-1", to.Region)
	assert.Contains(t, to.Role.ARN, "file-publishing-role")
	require.Len(t, list.Images, 1)
	assert.Equal(t, map[string]string{"COLOR": "blue"}, list.Images[0].Build.Args)
	assert.Equal(t, "linux/amd64", list.Images[0].Build.Platform)
	assert.FileExists(t, filepath.Join(list.Images[0].Build.Dir, "Dockerfile"))
	assert.Equal(t, list.Images[0].ID, list.Images[0].Destinations[0].Tag)
}

func TestMetadataHasConstructPathsAndAnnotations(t *testing.T) {
	web := stack(t, read(t, golden), "Web")
	assert.Equal(t, []assembly.Message{{Level: assembly.Warning, Path: "Web", Text: "the note is short"}}, web.Messages)
	assert.Equal(t, "Web/Orders", web.ConstructPath(nil, "Orders"))
	assert.Empty(t, web.ConstructPath(nil, "Nothing"))
	nested := "JobsNestedStackJobsNestedStackResource4FE929C3"
	assert.Equal(t, "Web/Jobs.NestedStack/Jobs.NestedStackResource", web.ConstructPath(nil, nested))
	assert.Equal(t, "Web/Jobs/Done/Resource", web.ConstructPath([]string{nested}, "Done2A7A629D"))
	assert.Empty(t, web.ConstructPath([]string{"Elsewhere"}, "Done2A7A629D"))
	assert.NoError(t, assembly.Problems([]assembly.Stack{web}))
}

// write makes an assembly of one stack out of a manifest and further files.
func write(t *testing.T, files map[string]string) string {
	dir := filepath.Join(t.TempDir(), "cdk.out")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o755))
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return dir
}

func oneStack(properties string) string {
	return `{"version":"55.0.0","artifacts":{"A":{"type":"aws:cloudformation:stack","environment":"aws://111111111111/eu-west-1","properties":` + properties + `}}}`
}

func assets(path string) string {
	return `{"version":"55.0.0","files":{"h":{"source":{"path":"` + path + `"},"destinations":{"d":{"bucketName":"b","objectKey":"k"}}}}}`
}

// withAssets has a stack A that needs the assets of assets.json, and a stack B that is whole.
const withAssets = `{"version":"55.0.0","artifacts":{"A.assets":{"type":"cdk:asset-manifest","properties":{"file":"assets.json"}},` +
	`"A":{"type":"aws:cloudformation:stack","environment":"aws://111111111111/eu-west-1","dependencies":["A.assets"],"properties":{"templateFile":"assets.json"}},` +
	`"B":{"type":"aws:cloudformation:stack","environment":"aws://111111111111/eu-west-1","properties":{"templateFile":"assets.json"}}}}`

// check returns the error of an assembly, or else of its stacks.
func check(dir string) error {
	a, err := assembly.Read(dir)
	if err != nil {
		return err
	}
	return assembly.Problems(a.Stacks)
}

func TestErrorsOfAnAssemblyAreReported(t *testing.T) {
	cases := map[string]struct {
		files map[string]string
		says  string
	}{
		"an empty folder":             {map[string]string{}, `"manifest.json" is missing from the cloud assembly`},
		"a manifest that is not JSON": {map[string]string{"manifest.json": "oops"}, "manifest.json: invalid character 'o'"},
		"no version":                  {map[string]string{"manifest.json": "{}"}, `schema version "" of the cloud assembly is not a version`},
		"a newer schema": {
			map[string]string{"manifest.json": `{"version":"56.0.0","minimumCliVersion":"2.2000.0"}`},
			"the cloud assembly has schema 56.0.0 (requires the CDK CLI 2.2000.0), but this program supports schemas up to 55",
		},
		"a missing template":   {map[string]string{"manifest.json": oneStack(`{"templateFile":"t.json"}`)}, `stack "A": template: "t.json" is missing from the cloud assembly`},
		"no template at all":   {map[string]string{"manifest.json": oneStack(`{}`)}, `stack "A": template: the name of a required file in the cloud assembly is empty`},
		"a template outside":   {map[string]string{"manifest.json": oneStack(`{"templateFile":"../../t.json"}`)}, `"../../t.json" is outside of the cloud assembly`},
		"an absolute template": {map[string]string{"manifest.json": oneStack(`{"templateFile":"/etc/passwd"}`)}, `"/etc/passwd" is outside of the cloud assembly`},
		"an asset outside":     {map[string]string{"manifest.json": withAssets, "assets.json": assets("../secret")}, `asset "h": "../secret" is outside of the cloud assembly`},
		"an asset manifest outside": {
			map[string]string{"manifest.json": `{"version":"55.0.0","artifacts":{"x":{"type":"cdk:asset-manifest","properties":{"file":"../a.json"}},"A":{"type":"aws:cloudformation:stack","environment":"aws://a/b","dependencies":["x"],"properties":{"templateFile":"manifest.json"}}}}`},
			`"../a.json" is outside of the cloud assembly`,
		},
		"an assembly inside itself": {
			map[string]string{"manifest.json": `{"version":"55.0.0","artifacts":{"x":{"type":"cdk:cloud-assembly","properties":{"directoryName":"."}}}}`},
			"the assembly contains itself",
		},
		"an unknown dependency": {
			map[string]string{"t": "{}", "manifest.json": `{"version":"1.0.0","artifacts":{"A":{"type":"aws:cloudformation:stack","environment":"aws://a/b","dependencies":["B"],"properties":{"templateFile":"t"}}}}`},
			`it depends on "B", which is missing from the assembly`,
		},
		"an environment of another form": {
			map[string]string{"manifest.json": `{"version":"55.0.0","artifacts":{"A":{"type":"aws:cloudformation:stack","environment":"here","properties":{"templateFile":"t"}}}}`},
			`environment "here" does not have the form aws://account/region`,
		},
		"an unknown packaging": {
			map[string]string{"manifest.json": withAssets, "assets.json": `{"version":"55.0.0","files":{"h":{"source":{"path":"x","packaging":"rar"}}}}`},
			`unknown packaging "rar"`,
		},
		"an asset without a source": {
			map[string]string{"manifest.json": withAssets, "assets.json": `{"version":"55.0.0","files":{"h":{"source":{}}}}`},
			`asset "h" needs either a path or a command`,
		},
		"a Dockerfile outside": {
			map[string]string{"manifest.json": withAssets, "assets.json": `{"version":"55.0.0","dockerImages":{"h":{"source":{"directory":"sub","dockerFile":"../../x"}}}}`},
			"is outside of its build folder",
		},
		"a stack tag that is a token": {
			map[string]string{"manifest.json": oneStack(`{"templateFile":"t","tags":{"Plain":"x","Instance":{"Ref":"AWS::StackName"}}}`)},
			`the stack tag "Instance" is a token ({"Ref":"AWS::StackName"})`,
		},
		"an option of AssumeRole that is not supported": {
			map[string]string{"manifest.json": oneStack(`{"templateFile":"t","assumeRoleAdditionalOptions":{"Policy":"x"}}`)},
			"only session tags are supported",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, check(write(t, c.files)), c.says)
		})
	}
}

func TestAnErrorOfOneStackDoesNotAffectOthers(t *testing.T) {
	broken := map[string]string{
		"assets": assets("../secret"), "an unknown packaging": `{"version":"55.0.0","files":{"h":{"source":{"path":"x","packaging":"rar"}}}}`,
		"a newer schema": `{"version":"99.0.0"}`, "no JSON": "oops",
	}
	for name, list := range broken {
		a := read(t, write(t, map[string]string{"manifest.json": withAssets, "assets.json": list}))
		require.Error(t, stack(t, a, "A").Err, name)
		require.NoError(t, stack(t, a, "B").Err, name)
		require.NoError(t, assembly.Problems([]assembly.Stack{stack(t, a, "B")}), name)
		require.ErrorContains(t, assembly.Problems(a.Stacks), `stack "A": asset manifest "A.assets"`, name)
	}
	for name, wrong := range map[string]string{
		"environment": `"environment":7`, "metadata": `"environment":"aws://a/b","metadata":[]`, "dependencies": `"environment":"aws://a/b","dependencies":{"x":1}`,
		"properties": `"environment":"aws://a/b","properties":{"templateFile":"manifest.json","tags":"none"}`,
		"options":    `"environment":"aws://a/b","properties":{"templateFile":"manifest.json","assumeRoleAdditionalOptions":{"Policy":"x"}}`,
	} {
		a := read(t, write(t, map[string]string{"manifest.json": `{"version":"55.0.0","artifacts":{"X":{"type":"aws:cloudformation:stack",` + wrong + `},` +
			`"Y":{"type":"aws:cloudformation:stack","environment":"aws://a/b","properties":{"templateFile":"manifest.json"}}}}`}))
		require.Error(t, stack(t, a, "X").Err, name)
		require.NoError(t, stack(t, a, "Y").Err, name)
	}
}

func TestAMissingAssetFolderIsAnErrorOnlyWhenTheAssetIsBuilt(t *testing.T) {
	a := read(t, write(t, map[string]string{"manifest.json": withAssets, "assets.json": `{"version":"55.0.0",` +
		`"files":{"h":{"source":{"path":"gone"}}},"dockerImages":{"i":{"source":{"directory":"gone-too"}}}}`}))
	require.NoError(t, assembly.Problems(a.Stacks))
	list := stack(t, a, "A").Assets[0]
	require.ErrorContains(t, list.Files[0].Missing, `"gone" is missing from the cloud assembly`)
	require.ErrorContains(t, list.Images[0].Missing, `"gone-too" is missing from the cloud assembly`)
}

func TestTheSourceOfAConstructIsTheFirstLineOfTheAppItself(t *testing.T) {
	traces := map[string]string{
		`["...new Function2 in aws-cdk-lib...","<anonymous> (/shop/app.js:4:1)","...node internals..."]`: "/shop/app.js:4",
		`["new Api (file:///my%20shop/lib/api.ts:12:5)"]`:                                                "/my shop/lib/api.ts:12",
		`["at new X (/shop/node_modules/x/index.js:1:1)","at main (/shop/bin/shop.ts:7:3)"]`:             "/shop/bin/shop.ts:7",
		`["Module._compile (node:internal/modules/cjs/loader:1554:14)"]`:                                 "",
		`["...aws-cdk-lib...","(no user code in 10 frames, use --stack-trace-limit to capture more)"]`:   "",
		`"no trace"`: "",
	}
	for trace, line := range traces {
		a := read(t, write(t, map[string]string{"t": "{}", "manifest.json": `{"version":"55.0.0","artifacts":{"A":{"type":"aws:cloudformation:stack","environment":"aws://a/b",` +
			`"metadata":{"/A/Bucket/Resource":[{"type":"aws:cdk:creationStack","data":` + trace + `},{"type":"aws:cdk:logicalId","data":"Bucket"}]},"properties":{"templateFile":"t"}}}}`}))
		s := stack(t, a, "A")
		assert.Equal(t, line, s.Source(s.ConstructPath(nil, "Bucket")), trace)
		assert.Empty(t, s.Source("A"))
	}
}

func TestLegacyAssetsPassTheirLocationsAsParameters(t *testing.T) {
	a := read(t, write(t, map[string]string{"t.txt": "{}", "manifest.json": `{"version":"55.0.0","artifacts":{"A":{"type":"aws:cloudformation:stack","environment":"aws://a/b",` +
		`"metadata":{"/A":[{"type":"aws:cdk:asset","data":{"path":"t.txt","id":"one","packaging":"file","sourceHash":"11","s3BucketParameter":"B","s3KeyParameter":"K","artifactHashParameter":"H"}},` +
		`{"type":"aws:cdk:asset","data":{"path":"sub","id":"22","packaging":"zip","sourceHash":"22","s3BucketParameter":"B2","s3KeyParameter":"K2","artifactHashParameter":"H2"}},` +
		`{"type":"aws:cdk:asset","data":{"path":"sub","id":"a:b/C","packaging":"container-image","sourceHash":"33","imageNameParameter":"I","buildArgs":{"x":"y"}}}]},` +
		`"properties":{"templateFile":"t.txt"}}}}`}))
	s := stack(t, a, "A")
	require.NoError(t, s.Err)
	list, parameters := s.LegacyAssets(a.Dir, "bucket", "registry")
	assert.Equal(t, map[string]string{
		"B": "bucket", "K": "assets/one/||11.txt", "H": "11", "B2": "bucket", "K2": "assets/||22.zip", "H2": "22", "I": "registry/cdk/a-b-c:33",
	}, parameters)
	assert.Equal(t, "assets/one/11.txt", list.Files[0].Destinations[0].Key)
	assert.Equal(t, "assets/22.zip", list.Files[1].Destinations[0].Key)
	assert.True(t, list.Files[1].Zip)
	assert.Equal(t, assembly.ImageDestination{Repository: "cdk/a-b-c", Tag: "33", Make: true}, list.Images[0].Destinations[0])
	assert.Equal(t, map[string]string{"x": "y"}, list.Images[0].Build.Args)
}

func TestASymbolicLinkOutOfTheFolderIsRefused(t *testing.T) {
	dir := write(t, map[string]string{"manifest.json": oneStack(`{"templateFile":"t.json"}`)})
	secret := filepath.Join(t.TempDir(), "secret.json")
	require.NoError(t, os.WriteFile(secret, []byte("{}"), 0o600))
	require.NoError(t, os.Symlink(secret, filepath.Join(dir, "t.json")))
	err := check(dir)
	require.ErrorContains(t, err, `"t.json" cannot be used from the cloud assembly`)
	var typed *assembly.Error
	require.ErrorAs(t, err, &typed)
	assert.Contains(t, typed.Hint, "must contain all")
}

func TestTheErrorForANewerSchemaHasAHint(t *testing.T) {
	_, err := assembly.Read(write(t, map[string]string{"manifest.json": `{"version":"99.1.0"}`}))
	var typed *assembly.Error
	require.ErrorAs(t, err, &typed)
	assert.Contains(t, typed.Hint, "pin an older aws-cdk-lib")
}

func TestAMissingFolderIsNamed(t *testing.T) {
	_, err := assembly.Read(filepath.Join(t.TempDir(), "nowhere"))
	require.ErrorContains(t, err, "nowhere")
}
