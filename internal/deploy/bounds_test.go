package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/awsauth/bootstrap"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

const (
	devAccount  = "111111111111"
	prodAccount = "222222222222"
)

// bootstrapped is a name that the CDK's bootstrap gives to what it makes.
func bootstrapped(qualifier, what, account, region string) string {
	return strings.Join([]string{"cdk", qualifier, what, account, region}, "-")
}

func roleOf(account, name string) string { return "arn:aws:iam::" + account + ":role/" + name }

// usual is a stack as the CDK's synthesizer writes it, in the bounds of dev.
func usual() target {
	role := func(what string) assembly.Role {
		return assembly.Role{ARN: "arn:${AWS::Partition}:iam::" + devAccount + ":role/" + bootstrapped(bootstrap.DefaultQualifier, what, devAccount, "eu-west-1")}
	}
	bucket, repository := bootstrapped(bootstrap.DefaultQualifier, "assets", devAccount, "eu-west-1"), bootstrapped(bootstrap.DefaultQualifier, "container-assets", devAccount, "eu-west-1")
	return target{name: "Api", region: "eu-west-1", stack: assembly.Stack{
		ID: "Api", Name: "Api", Path: "Api", Environment: assembly.Environment{Account: devAccount, Region: "eu-west-1"},
		Template: "/out/Api.template.json", TemplateURL: "s3://" + bucket + "/template.json",
		DeployRole: role("deploy-role"), LookupRole: role("lookup-role"), ExecutionRole: role("cfn-exec-role").ARN,
		Assets: []*assembly.AssetManifest{{
			ID: "Api.assets", Dir: "/out", Root: "/out",
			Files: []assembly.FileAsset{{
				ID: "t", Name: "Template", Path: "/out/Api.template.json",
				Destinations: []assembly.FileDestination{{Bucket: bucket, Key: "template.json", Region: "eu-west-1", Role: role("file-publishing-role")}},
			}},
			Images: []assembly.ImageAsset{{
				ID: "i", Name: "Worker", Build: &assembly.ImageBuild{Dir: "/out/asset.i"},
				Destinations: []assembly.ImageDestination{{Repository: repository, Tag: "i", Region: "eu-west-1", Role: role("image-publishing-role")}},
			}},
		}},
	}}
}

// jobOf is dev's deployment, of which the access to its account is known.
func jobOf(change func(*Request)) *job {
	r := Request{Name: "dev", Account: devAccount, Region: "eu-west-1", Workspace: "/repository"}
	if change != nil {
		change(&r)
	}
	return &job{Request: r, engine: Engine{Records: "shop-artifacts-" + devAccount}, access: &awsauth.Access{Target: awsauth.Target{Account: r.Account, Region: r.Region}, Partition: "aws"}}
}

func TestAnAssemblyThatReachesOutOfItsEnvironmentIsRefused(t *testing.T) {
	file := func(t *target) *assembly.FileDestination { return &t.stack.Assets[0].Files[0].Destinations[0] }
	image := func(t *target) *assembly.ImageDestination { return &t.stack.Assets[0].Images[0].Destinations[0] }
	build := func(t *target) *assembly.ImageBuild { return t.stack.Assets[0].Images[0].Build }
	prod := func(what string) string {
		return bootstrapped(bootstrap.DefaultQualifier, what, prodAccount, "eu-central-1")
	}
	far := func(what string) string {
		return bootstrapped(bootstrap.DefaultQualifier, what, devAccount, "eu-central-1")
	}
	other := func(what string) string { return bootstrapped("prod", what, devAccount, "eu-west-1") }
	cases := map[string]struct {
		change func(*target)
		says   string
	}{
		"a stack of prod":                          {func(t *target) { t.stack.Environment.Account = prodAccount }, "it is for account " + prodAccount},
		"a stack of another region":                {func(t *target) { t.region = "eu-central-1" }, "it is for region eu-central-1"},
		"prod's deploy role":                       {func(t *target) { t.stack.DeployRole.ARN = roleOf(prodAccount, prod("deploy-role")) }, "the deploy role arn:aws:iam::222222222222:role/cdk-hnb659fds-deploy-role-222222222222-eu-central-1 is of account 222222222222"},
		"any role of prod":                         {func(t *target) { t.stack.DeployRole.ARN = roleOf(prodAccount, "Admin") }, "is of account 222222222222"},
		"a role of another region":                 {func(t *target) { t.stack.DeployRole.ARN = roleOf(devAccount, far("deploy-role")) }, "is of region eu-central-1"},
		"a role of another bootstrap":              {func(t *target) { t.stack.DeployRole.ARN = roleOf(devAccount, other("deploy-role")) }, "is of the bootstrap prod"},
		"a role of another bootstrap, in capitals": {func(t *target) { t.stack.DeployRole.ARN = roleOf(devAccount, strings.ToUpper(other("deploy-role"))) }, "the deploy role CDK-PROD-DEPLOY-ROLE-111111111111-EU-WEST-1 is of region EU-WEST-1"},
		"a role of another bootstrap, with a path": {func(t *target) { t.stack.DeployRole.ARN = roleOf(devAccount, "team/"+other("deploy-role")) }, "is of the bootstrap prod"},
		"a role of another partition":              {func(t *target) { t.stack.DeployRole.ARN = "arn:aws-cn:iam::" + devAccount + ":role/x" }, "is of partition aws-cn"},
		"something else than a role":               {func(t *target) { t.stack.DeployRole.ARN = "arn:aws:iam::" + devAccount + ":user/x" }, "is not the ARN of a role"},
		"a role with a placeholder":                {func(t *target) { t.stack.DeployRole.ARN = roleOf(devAccount, "${AWS::Other}") }, "is not the ARN of a role"},
		"prod's execution role":                    {func(t *target) { t.stack.ExecutionRole = roleOf(prodAccount, prod("cfn-exec-role")) }, "the execution role"},
		"prod's bootstrap as execution role":       {func(t *target) { t.stack.ExecutionRole = roleOf(devAccount, other("cfn-exec-role")) }, "the execution role"},
		"prod's lookup role":                       {func(t *target) { t.stack.LookupRole.ARN = roleOf(prodAccount, prod("lookup-role")) }, "the lookup role"},
		"prod's bucket":                            {func(t *target) { file(t).Bucket, t.stack.TemplateURL = prod("assets"), "" }, "the bucket of asset Template cdk-hnb659fds-assets-222222222222-eu-central-1 is of account 222222222222"},
		"a bucket of another region":               {func(t *target) { file(t).Bucket, t.stack.TemplateURL = far("assets"), "" }, "is of region eu-central-1"},
		"a bucket of another bootstrap":            {func(t *target) { file(t).Bucket, t.stack.TemplateURL = other("assets"), "" }, "is of the bootstrap prod"},
		"the bucket of the pipeline": {func(t *target) {
			file(t).Bucket, file(t).Key, file(t).Role = "shop-artifacts-${AWS::AccountId}", "metadata/deployed/prod.json", assembly.Role{}
			t.stack.TemplateURL = ""
		}, "the bucket of asset Template, shop-artifacts-111111111111, is that of the pipeline's own artifacts and records"},
		"a folder of the bucket of the pipeline": {func(t *target) {
			file(t).Bucket, t.stack.TemplateURL = "shop-artifacts-"+devAccount+"/metadata", ""
		}, "is that of the pipeline's own artifacts and records"},
		"prod's role for files":             {func(t *target) { file(t).Role.ARN = roleOf(prodAccount, prod("file-publishing-role")) }, "the role that publishes asset Template"},
		"an asset in another region":        {func(t *target) { file(t).Region, t.stack.TemplateURL = "eu-central-1", "" }, "asset Template is for region eu-central-1"},
		"prod's repository":                 {func(t *target) { image(t).Repository = prod("container-assets") }, "the repository of image Worker"},
		"a repository of another bootstrap": {func(t *target) { image(t).Repository = other("container-assets") }, "is of the bootstrap prod"},
		"prod's role for images":            {func(t *target) { image(t).Role.ARN = roleOf(prodAccount, "x") }, "the role that publishes image Worker"},
		"an image in another region":        {func(t *target) { image(t).Region = "ap-south-1" }, "image Worker is for region ap-south-1"},
		"a template of somebody's bucket":   {func(t *target) { t.stack.TemplateURL = "s3://somebody/template.json" }, "the URL of the template, s3://somebody/template.json, is not where an asset of the stack publishes it"},
		"a template of somebody's server":   {func(t *target) { t.stack.TemplateURL = "https://example.com/template.json" }, "the URL of the template"},
		"another object as the template":    {func(t *target) { t.stack.TemplateURL += ".other" }, "the URL of the template"},
		"another asset as the template":     {func(t *target) { t.stack.Assets[0].Files[0].Path = "/out/other.json" }, "the URL of the template"},
		"a template of a bucket whose name ends like a host": {func(t *target) {
			t.stack.TemplateURL = "https://" + file(t).Bucket + ".s3.x.s3.eu-west-1.amazonaws.com/template.json"
		}, "the URL of the template"},
		"a template that another asset overwrites": {func(t *target) {
			other := t.stack.Assets[0].Files[0]
			other.Path = "/out/other.json"
			t.stack.Assets[0].Files = append(t.stack.Assets[0].Files, other)
		}, "asset Template publishes something else to where its template is"},
		"a context of the host":          {func(t *target) { build(t).Contexts = map[string]string{"a": "/etc"} }, "image Worker: --build-context a=/etc lies outside"},
		"a context above":                {func(t *target) { build(t).Contexts = map[string]string{"a": "../../../etc"} }, "lies outside"},
		"a context in its name":          {func(t *target) { build(t).Contexts = map[string]string{"a=/etc": ""} }, "lies outside"},
		"a secret of the host":           {func(t *target) { build(t).Secrets = map[string]string{"a": "src=/var/run/secrets/token"} }, "--secret id=a,src=/var/run/secrets/token lies outside"},
		"a secret in quotes":             {func(t *target) { build(t).Secrets = map[string]string{"a": `"source=/etc/shadow"`} }, "lies outside"},
		"a secret in its name":           {func(t *target) { build(t).Secrets = map[string]string{"a,src=/etc/shadow": "x=y"} }, "lies outside"},
		"an SSH key of the host":         {func(t *target) { build(t).SSH = "default=/root/.ssh/id" }, "--ssh default=/root/.ssh/id lies outside"},
		"an output to the host":          {func(t *target) { build(t).Outputs = []string{"type=local,dest=/usr"} }, "--output type=local,dest=/usr lies outside"},
		"an output to the host in short": {func(t *target) { build(t).Outputs = []string{"/usr"} }, "lies outside"},
		"an output to a registry":        {func(t *target) { build(t).Outputs = []string{"type=registry,name=x"} }, "sends the image to a registry by itself"},
		"an output that is pushed":       {func(t *target) { build(t).Outputs = []string{"type=image,push=true"} }, "sends the image to a registry by itself"},
		"a cache of the host": {func(t *target) {
			build(t).CacheFrom = []assembly.CacheOption{{Type: "local", Params: map[string]string{"src": "/home"}}}
		}, "--cache-from type=local,src=/home lies outside"},
		"a cache to the host": {func(t *target) {
			build(t).CacheTo = &assembly.CacheOption{Type: "local", Params: map[string]string{"dest": "/home"}}
		}, "--cache-to type=local,dest=/home lies outside"},
	}
	good := usual()
	require.NoError(t, jobOf(nil).checkBounds([]target{good}))
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			bad := usual()
			c.change(&bad)
			err := jobOf(nil).checkBounds([]target{good, bad})
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "the CDK app reaches outside of environment dev (account 111111111111; eu-west-1, us-east-1; bootstrap hnb659fds):\n  stack Api: ")
			assert.Equal(t, errs.Invalid, errs.KindOf(err))
			assert.NotEmpty(t, errs.HintOf(err))
		})
	}
}

func TestWhatTheConfigurationNamesIsInBounds(t *testing.T) {
	of := func(change func(*target)) target { t := usual(); change(&t); return t }
	workspace := t.TempDir()
	require.NoError(t, os.Symlink("/etc", filepath.Join(workspace, "out")))
	cases := map[string]struct {
		target  target
		request func(*Request)
		refused bool // without the request
	}{
		"the edge region": {of(func(t *target) { t.region, t.stack.TemplateURL = "us-east-1", "" }), nil, false},
		"a further region": {of(func(t *target) {
			t.region = "eu-central-1"
			t.stack.DeployRole.ARN = roleOf(devAccount, bootstrapped(bootstrap.DefaultQualifier, "deploy-role", devAccount, "eu-central-1"))
		}), func(r *Request) { r.Regions = []string{"eu-central-1"} }, true},
		"another qualifier": {of(func(t *target) {
			t.stack.DeployRole.ARN = roleOf(devAccount, bootstrapped("my-own_q", "deploy-role", devAccount, "eu-west-1"))
		}), func(r *Request) { r.Qualifiers = []string{bootstrap.DefaultQualifier, "my-own_q"} }, true},
		"no roles": {of(func(t *target) {
			t.stack.DeployRole, t.stack.LookupRole, t.stack.ExecutionRole = assembly.Role{}, assembly.Role{}, ""
		}), nil, false},
		"an own role of the account": {of(func(t *target) { t.stack.DeployRole.ARN = roleOf(devAccount, "team/Deployer") }), nil, false},
		"an own bucket": {of(func(t *target) {
			f := &t.stack.Assets[0].Files[0].Destinations[0]
			f.Bucket, t.stack.TemplateURL = "own-${AWS::AccountId}", "https://s3.eu-west-1.amazonaws.com/own-111111111111/template.json"
		}), nil, false},
		"a template by its bucket's host": {of(func(t *target) {
			t.stack.TemplateURL = "https://" + t.stack.Assets[0].Files[0].Destinations[0].Bucket + ".s3.eu-west-1.amazonaws.com/template.json"
		}), nil, false},
		"contexts of a registry": {of(func(t *target) {
			t.stack.Assets[0].Images[0].Build.Contexts = map[string]string{"a": "docker-image://alpine", "b": "https://github.com/a/b.git", "c": "../asset.j"}
		}), nil, false},
		"a secret of the environment": {of(func(t *target) { t.stack.Assets[0].Images[0].Build.Secrets = map[string]string{"a": "env=TOKEN"} }), nil, false},
		"an image that docker loads":  {of(func(t *target) { t.stack.Assets[0].Images[0].Build.Outputs = []string{"type=docker"} }), nil, false},
		"a cache of a registry": {of(func(t *target) {
			t.stack.Assets[0].Images[0].Build.CacheTo = &assembly.CacheOption{Type: "registry", Params: map[string]string{"ref": "a/b:c"}}
		}), nil, false},
		"a secret of the repository": {
			of(func(t *target) {
				t.stack.Assets[0].Images[0].Build.Secrets = map[string]string{"a": "src=" + workspace + "/.npmrc"}
			}),
			func(r *Request) { r.Workspace = workspace }, true,
		},
		"a link out of the repository": {of(func(t *target) {
			t.stack.Assets[0].Images[0].Build.Secrets = map[string]string{"a": "src=" + workspace + "/out/passwd"}
		}), nil, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := jobOf(nil).checkBounds([]target{c.target})
			assert.Equal(t, c.refused, err != nil, "%v", err)
			if c.request != nil {
				require.NoError(t, jobOf(c.request).checkBounds([]target{c.target}))
			}
		})
	}
	linked := of(func(t *target) {
		t.stack.Assets[0].Images[0].Build.Secrets = map[string]string{"a": "src=" + workspace + "/out/passwd"}
	})
	require.Error(t, jobOf(func(r *Request) { r.Workspace = workspace }).checkBounds([]target{linked}))
}

// What is in bounds names nothing of another account, region or bootstrap,
// wherever in a stack it stands.
func TestNothingOfAnotherAccountIsEverInBounds(t *testing.T) {
	accounts, regions := []string{devAccount, prodAccount, "333333333333"}, []string{"eu-west-1", "us-east-1", "eu-central-1", "ap-south-1"}
	qualifiers := []string{bootstrap.DefaultQualifier, "shop", "a-b"}
	rapid.Check(t, func(t *rapid.T) {
		var allowed Request
		allowed.Name, allowed.Account, allowed.Region = "dev", rapid.SampledFrom(accounts).Draw(t, "account"), rapid.SampledFrom(regions).Draw(t, "region")
		allowed.Regions = rapid.SliceOfNDistinct(rapid.SampledFrom(regions), 0, 2, rapid.ID).Draw(t, "regions")
		allowed.Qualifiers = rapid.SliceOfNDistinct(rapid.SampledFrom(qualifiers), 1, 2, rapid.ID).Draw(t, "qualifiers")
		account, region, qualifier := rapid.SampledFrom(accounts).Draw(t, "its account"), rapid.SampledFrom(regions).Draw(t, "its region"), rapid.SampledFrom(qualifiers).Draw(t, "its qualifier")
		inBounds := account == allowed.Account && slices.Contains(config.ReachedRegions(allowed.Region, allowed.Regions), region) && slices.Contains(allowed.Qualifiers, qualifier)

		stack := target{name: "S", region: allowed.Region, stack: assembly.Stack{Name: "S", Assets: []*assembly.AssetManifest{{
			Files:  []assembly.FileAsset{{Destinations: []assembly.FileDestination{{Bucket: "own", Key: "k"}}}},
			Images: []assembly.ImageAsset{{Destinations: []assembly.ImageDestination{{Repository: "own", Tag: "t"}}}},
		}}}}
		file, image := &stack.stack.Assets[0].Files[0].Destinations[0], &stack.stack.Assets[0].Images[0].Destinations[0]
		name := func(what string) string { return bootstrapped(qualifier, what, account, region) }
		role := func(what string) string { return fmt.Sprintf("arn:aws:iam::%s:role/%s", account, name(what)) }
		places := []func(){
			func() { stack.stack.DeployRole.ARN = role("deploy-role") },
			func() { stack.stack.LookupRole.ARN = role("lookup-role") },
			func() { stack.stack.ExecutionRole = role("cfn-exec-role") },
			func() { file.Role.ARN = role("file-publishing-role") },
			func() { image.Role.ARN = role("image-publishing-role") },
			func() { file.Bucket = name("assets") },
			func() { image.Repository = name("container-assets") },
		}
		places[rapid.IntRange(0, len(places)-1).Draw(t, "place")]()
		j := &job{Request: allowed, access: &awsauth.Access{Target: awsauth.Target{Account: allowed.Account}, Partition: "aws"}}
		err := j.checkBounds([]target{stack})
		if (err == nil) != inBounds {
			t.Fatalf("in bounds: %v, but %v", inBounds, err)
		}
	})
}

func TestStacksWithEqualTemplatesMayShareAnObject(t *testing.T) {
	one, other := usual(), usual()
	for i, at := range []*target{&one, &other} {
		path := filepath.Join(t.TempDir(), fmt.Sprint(i))
		require.NoError(t, os.WriteFile(path, []byte("{}"), 0o600))
		at.stack.Template, at.stack.Assets[0].Files[0].Path = path, path
	}
	require.NoError(t, jobOf(nil).checkBounds([]target{one, other}))
	require.NoError(t, os.WriteFile(other.stack.Template, []byte(`{"Resources":{}}`), 0o600))
	require.ErrorContains(t, jobOf(nil).checkBounds([]target{one, other}), "publishes something else")
}

func TestAnAssetAssumesNoRoleOfAnotherBootstrap(t *testing.T) {
	d := &deployment{job: jobOf(nil)}
	role := assembly.Role{ARN: roleOf(devAccount, bootstrapped("prod", "deploy-role", devAccount, "eu-west-1"))} // as docker's credentials name one
	_, err := d.assetTarget(usual()).Assume(t.Context(), role, "eu-west-1")
	require.ErrorContains(t, err, "the role cdk-prod-deploy-role-111111111111-eu-west-1 is of the bootstrap prod, out of environment dev")
	_, err = d.asExactly(t.Context(), role, "eu-west-1")
	require.ErrorContains(t, err, "is of the bootstrap prod")
}

func TestTheHintSaysWhatToWriteInTheConfiguration(t *testing.T) {
	const given = "regions: [eu-north-1] and bootstrapQualifiers: [hnb659fds, own]"
	cases := map[string]struct{ qualifier, region, given, hint string }{
		"a region":              {bootstrap.DefaultQualifier, "us-west-2", "", "regions: [us-west-2]"},
		"a qualifier":           {"123", "eu-west-1", "", `bootstrapQualifiers: ["hnb659fds", "123"]`},
		"both":                  {"shop", "us-west-2", "", `regions: [us-west-2] and bootstrapQualifiers: ["hnb659fds", "shop"]`},
		"in addition to others": {"shop", "us-west-2", given, `regions: [eu-north-1, us-west-2] and bootstrapQualifiers: ["hnb659fds", "own", "shop"]`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			further := usual()
			further.stack.DeployRole.ARN = roleOf(devAccount, bootstrapped(c.qualifier, "deploy-role", devAccount, c.region))
			check := func(keys string) error {
				var environment struct{ Regions, BootstrapQualifiers []string }
				require.NoError(t, yaml.Unmarshal([]byte(strings.ReplaceAll(keys, " and ", "\n")), &environment))
				return jobOf(func(r *Request) {
					r.Regions, r.Qualifiers = environment.Regions, environment.BootstrapQualifiers
				}).checkBounds([]target{usual(), further})
			}
			err := check(c.given)
			require.Error(t, err)
			require.Equal(t, "if this is intended, write in environment dev of the configuration: "+c.hint, errs.HintOf(err))
			require.NoError(t, check(c.hint))
		})
	}
}
