package scaffold_test

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/config/scaffold"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// inspect inspects an app with the files of a txtar archive.
func inspect(t *testing.T, files string) scaffold.App {
	t.Helper()
	app, err := scaffold.Inspect(write(t, txtar.Parse([]byte(files)).Files), "")
	require.NoError(t, err)
	text := scaffold.Render(app)
	_, err = config.Parse(golden, text)
	require.NoError(t, err, "%s", text)
	return app
}

func TestStacksAreRecognisedInEveryForm(t *testing.T) {
	cases := map[string]struct{ files, want string }{
		"a class of any name, beside the app": {`
-- cdk.json --
{"app": "npx tsx bin/app.ts"}
-- bin/app.ts --
class Network extends cdk.Stack { }
const app = new cdk.App();
new Network(app, 'Net');
`, "Net bin/app.ts"},
		"the stack that a synthesizer adds, which the others need": {`
-- cdk.json --
{"app": "node bin/app.js"}
-- bin/app.js --
const { AppStagingSynthesizer } = require('@aws-cdk/app-staging-synthesizer-alpha');
const app = new cdk.App({ defaultStackSynthesizer: AppStagingSynthesizer.defaultResources({ appId: 'my-app' }) });
class Api extends cdk.Stack { }
new Api(app, 'Api', { env: { account: '111111111111', region: 'eu-west-1' } });
`, "StagingStack-* bin/app.js, Api bin/app.js 111111111111 eu-west-1"},
		"a class that extends one of another file": {`
-- cdk.json --
{"app": "npx tsx bin/app.ts"}
-- bin/app.ts --
import { Orders } from '../lib/orders';
const app = new cdk.App();
new Orders(app, 'Orders');
new Helper(app, 'Other');
class Helper extends Construct { }
-- lib/orders.ts --
import { Base } from './base';
export class Orders extends Base<Props> { }
-- lib/base.ts --
export abstract class Base<P extends Props> extends Stack { }
`, "Orders lib/orders.ts"},
		"stages": {`
-- cdk.json --
{"app": "npx tsx bin/app.ts"}
-- bin/app.ts --
const app = new cdk.App();
new Deployment(app, 'Dev');
new Deployment(app, 'Prod', { env: { account: '222222222222', region: 'eu-west-1' } });
-- lib/deployment.ts --
export class Deployment extends cdk.Stage { constructor(scope, id) { super(scope, id); new ApiStack(this, 'Api'); } }
`, "Dev/** lib/deployment.ts, Prod/** lib/deployment.ts 222222222222 eu-west-1"},
		"identifiers of template literals": {
			`
-- cdk.json --
{"app": "npx tsx bin/app.ts", "context": {"team": "blue"}}
-- bin/app.ts --
const app = new cdk.App();
const prefix = 'shop', NAMES = { edge: 'Edge' };
const team = app.node.tryGetContext('team');
for (const region of regions) new ApiStack(app, ` + "`Api-${region}-${stage}`" + `);
new WebStack(app, ` + "`${prefix}-Web`" + `);
new WebStack(app, prefix + '-Files');
new WebStack(app, NAMES.edge);
new WebStack(app, ` + "`${team}-Blue`" + `, { stackName: ` + "`${team}-x`" + ` });
new WebStack(app, ` + "`${process.env.STAGE}${process.env.KIND}`" + `);
new WebStack(app, 'Named', { stackName: 'by-name' });
`,
			"Api-*-* bin/app.ts, shop-Web bin/app.ts, shop-Files bin/app.ts, Edge bin/app.ts, blue-Blue bin/app.ts, * bin/app.ts, by-name bin/app.ts",
		},
		"a class that knows its identifier": {`
-- cdk.json --
{"app": "node app.js"}
-- app.js --
const app = new App();
new Web(app);
new Api(app, { size: 3 });
class Web extends Stack { constructor(scope) { super(scope, 'Web'); } }
class Api extends Stack { constructor(scope, props) { super(scope, 'Api', props); } }
`, "Web app.js, Api app.js"},
		"an app that is a class, and a function that is given one": {`
-- cdk.json --
{"app": "npx tsx app.ts"}
-- app.ts --
import { others } from './others';
class Shop extends cdk.App { constructor() { super(); new Api(this, 'Api'); others(this); } }
new Shop().synth();
-- others.ts --
class Api extends Stack {}
export function others(root: cdk.App) { new Api(root, 'Other'); new Stack(new App(), 'Direct'); }
`, "Api others.ts, Other others.ts, Direct others.ts"},
		"places that constants of the context name": {`
-- cdk.json --
{"app": "npx tsx index.ts", "context": {"name": "mesh", "place": "eu-west-1", "producer": "111111111111", "consumer": "222222222222"}}
-- index.ts --
interface Props extends StackProps { readonly name: string; readonly producer: string }
const app = new App();
const name = app.node.tryGetContext('name');
const region  = app.node.tryGetContext('place') as string;
const producer = app.node.tryGetContext('producer');
new Stack(app, ` + "`${name}-producer`" + `, { env: { account: producer, region: region }, name });
new Stack(app, ` + "`${name}-consumer`" + `, { env: { account: app.node.tryGetContext('consumer'), region }, producer });
`, "mesh-producer index.ts 111111111111 eu-west-1, mesh-consumer index.ts 222222222222 eu-west-1"},
		"another app that is imported for a constant": {`
-- cdk.json --
{"app": "npx tsx bin/ci.ts"}
-- bin/ci.ts --
import { Delivery } from '../lib/delivery';
const app = new App(); new Delivery(app, 'Delivery');
-- lib/delivery.ts --
import { apiName } from '../bin/api';
export class Delivery extends Stack { }
-- bin/api.ts --
export const apiName = 'Api';
const app = new App(); new Stack(app, apiName);
`, "Delivery lib/delivery.ts"},
		"stacks of tests are not the app's": {`
-- cdk.json --
{"app": "npx tsx bin/app.ts"}
-- bin/app.ts --
const app = new App(); new ShopStack(app, 'Shop');
-- test/shop.test.ts --
const app = new App(); new ShopStack(app, 'Tested');
-- bin/other.ts --
const app = new App(); new ShopStack(app, 'OtherApp');
`, "Shop bin/app.ts"},
		"code in texts": {`
-- cdk.json --
{"app": "npx tsx app.ts"}
-- app.ts --
const app = new App();
const nested = ` + "`a ${name ? `-${name}` : ''} c`" + `;
const sample = ` + "`\nconst app = new App();\nnew Stack(app, 'Sample');\nclass Real extends Construct {}\n`" + `;
const line = "new Stack(app, 'Line')", other = 'new Stack(app, "Other")';
new Real(app, 'Real');
class Real extends Stack { }
new Stack(app, ` + "`${sample ? `Last` : ''}`" + `);
const open = /[\x60` + "`" + `]/;
new Stack(app, 'Behind');
`, "Real app.ts, * app.ts, Behind app.ts"},
		"code in texts of Python": {`
-- cdk.json --
{"app": "python3 app.py"}
-- app.py --
app = cdk.App()
sample = """
Stack(app, "Sample")
"""
print('use ` + "`" + ` in "Stack(app, ...)"')
cdk.Stack(app, "Real")
`, "Real app.py"},
		"Python": {`
-- cdk.json --
{"app": "python3 app.py"}
-- app.py --
from shop.network import Network
import aws_cdk as cdk
app = cdk.App()
stage = "dev"
Network(app, f"net-{stage}", env=cdk.Environment(account="111111111111", region="eu-west-1"))
Database(scope=app, construct_id="Database")
cdk.Stack(app, "{}-web".format(name))
Delivery(app, "Live")
class Database(cdk.Stack):
    def __init__(self, scope, construct_id):
        super().__init__(scope, construct_id)
        Queue(self, "Queue")
class Delivery(cdk.Stage):
    pass
# Network(app, "old")
-- shop/network.py --
class Network(Base):
    pass
class Base(cdk.Stack):
    pass
`, "net-dev shop/network.py 111111111111 eu-west-1, Database app.py, * app.py, Live/** app.py"},
		"Java": {`
-- cdk.json --
{"app": "mvn -e -q exec:java -Dexec.mainClass=com.example.Main"}
-- src/main/java/com/example/Main.java --
public class Main { public static void main(String[] args) {
  App app = new App();
  new Network(app, "Network", StackProps.builder().env(Environment.builder().account("333333333333").region("eu-north-1").build()).build());
  new Network(app, NAME);
  static final String NAME = "Second";
} }
-- src/main/java/com/example/Network.java --
public class Network extends software.amazon.awscdk.Stack { }
-- src/test/java/com/example/NetworkTest.java --
class NetworkTest { void test() { App app = new App(); new Network(app, "Test"); } }
`, "Network src/main/java/com/example/Network.java 333333333333 eu-north-1, Second src/main/java/com/example/Network.java"},
		"C#": {`
-- cdk.json --
{"app": "dotnet run --project src/Shop/Shop.csproj"}
-- src/Shop/Program.cs --
var app = new App();
new Network(app, "Network", new StackProps { Env = new Amazon.CDK.Environment { Account = "333333333333", Region = "eu-north-1" } });
new Network(app, $"Net-{stage}");
-- src/Shop/Network.cs --
public class Network : Stack { internal Network(Construct scope, string id) : base(scope, id) { } }
`, "Network src/Shop/Network.cs 333333333333 eu-north-1, Net-* src/Shop/Network.cs"},
		"Go": {`
-- cdk.json --
{"app": "go mod download && go run shop.go"}
-- shop.go --
package main
func Network(scope constructs.Construct, id string, props *NetworkProps) awscdk.Stack {
	stack := awscdk.NewStack(scope, &id, &props.StackProps)
	return stack
}
func main() {
	app := awscdk.NewApp(nil)
	Network(app, "Network", &NetworkProps{awscdk.StackProps{Env: &awscdk.Environment{Account: jsii.String("333333333333"), Region: jsii.String("eu-north-1")}}})
	awscdk.NewStack(app, jsii.String("Plain"), nil)
	app.Synth(nil)
}
-- shop_test.go --
package main
func TestX(t *testing.T) { app := awscdk.NewApp(nil); Network(app, "Test", nil) }
`, "Network shop.go 333333333333 eu-north-1, Plain shop.go"},
	}
	cases["one name in two regions"] = struct{ files, want string }{`
-- cdk.json --
{"app": "node app.js"}
-- app.js --
const app = new cdk.App();
new cdk.Stack(app, 'Europe', { stackName: 'Service', env: { region: 'eu-west-1' } });
new cdk.Stack(app, 'America', { stackName: 'Service', env: { region: 'us-east-1' } });
new cdk.Stack(app, 'Own', { stackName: 'Other' });
`, "Europe app.js  eu-west-1, America app.js  us-east-1, Other app.js"}
	cases["one name in a loop"] = struct{ files, want string }{`
-- cdk.json --
{"app": "node app.js"}
-- app.js --
const app = new cdk.App();
for (const region of ['eu-west-1', 'us-east-1']) {
  new cdk.Stack(app, 'Svc-' + region, { stackName: 'Service', env: { region } });
}
`, "Svc-* app.js"}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, named(inspect(t, c.files).Stacks))
		})
	}
}

func named(stacks []scaffold.Stack) string {
	var all []string
	for _, stack := range stacks {
		all = append(all, strings.TrimSpace(strings.Join([]string{stack.Name, stack.Path, stack.Account, stack.Region}, " ")))
	}
	return strings.Join(all, ", ")
}

func TestWithoutRecognisedStacksTheFileSelectsEveryStack(t *testing.T) {
	app := inspect(t, "-- infra/cdk.json --\n{\"app\": \"node app.js\"}\n-- infra/app.js --\nrequire('unknown')();\n")
	assert.Empty(t, app.Recognised())
	text := string(scaffold.Render(app))
	assert.Contains(t, text, "- name: \"**\"\n    path: infra\n")
	assert.Contains(t, text, "None was recognized")
	assert.NotContains(t, text, "MyStack")
}

func TestPackagesAreInstalledAtTheirLockFileWithItsPackageManager(t *testing.T) {
	const app = "-- packages/infra/cdk.json --\n{\"app\": \"node app.js\"}\n-- packages/infra/package.json --\n{\"scripts\": {\"build\": \"tsc\"}}\n"
	const workspace = "-- package.json --\n{\"workspaces\": [\"packages/*\"]}\n"
	cases := map[string]struct{ files, install, run string }{
		"npm":                         {workspace + "-- package-lock.json --\n{}\n", "npm ci", "npm run "},
		"npm, without a lock":         {workspace, "npm install", "npm run "},
		"workspaces in an object":     {"-- package.json --\n{\"workspaces\": {\"packages\": [\"packages/**\"]}}\n-- package-lock.json --\n{}\n", "npm ci", "npm run "},
		"pnpm":                        {"-- package.json --\n{\"packageManager\": \"pnpm@9.1.0+sha512.abc\"}\n-- pnpm-workspace.yaml --\npackages:\n  - 'packages/*'\n-- pnpm-lock.yaml --\n", "npx --yes pnpm@9.1.0 install --frozen-lockfile", "npx --yes pnpm@9.1.0 run "},
		"an old pnpm":                 {"-- package.json --\n{}\n-- pnpm-workspace.yaml --\npackages: \n- packages/infra\n-- pnpm-lock.yaml --\nlockfileVersion: '6.0'\n", "npx --yes pnpm@8 install --frozen-lockfile", "npx --yes pnpm@8 run "},
		"yarn":                        {workspace + "-- yarn.lock --\n# yarn lockfile v1\n", "npx --yes yarn@1.22.22 install --frozen-lockfile", "npx --yes yarn@1.22.22 run "},
		"yarn of today":               {workspace + "-- yarn.lock --\n# x\n\n__metadata:\n  version: 8\n", "npx --yes @yarnpkg/cli-dist@4 install --immutable", "npx --yes @yarnpkg/cli-dist@4 run "},
		"bun":                         {workspace + "-- bun.lock --\n{}\n", "npx --yes bun@1 install --frozen-lockfile", "npx --yes bun@1 run "},
		"a workspace without the app": {"-- package.json --\n{\"workspaces\": [\"web/*\"]}\n-- package-lock.json --\n{}\n", "cd packages/infra && npm install", "npm run "},
		"an excluded package":         {"-- package.json --\n{\"workspaces\": [\"packages/*\", \"!packages/infra\"]}\n-- package-lock.json --\n{}\n", "cd packages/infra && npm install", "npm run "},
		"a lock beside the app":       {"-- package.json --\n{}\n-- packages/infra/package-lock.json --\n{}\n", "cd packages/infra && npm ci", "npm run "},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, []string{c.install, "cd packages/infra && " + c.run + "build"}, inspect(t, c.files+app).Build)
		})
	}
}

func TestPackagesThatTheSourceNamesAreInstalledAndBuiltBeforeTheApp(t *testing.T) {
	const (
		app  = "-- infra/cdk.json --\n{\"app\": \"npx tsx app.ts\"}\n-- infra/package-lock.json --\n{}\n-- infra/package.json --\n"
		own  = app + "{\"scripts\": {\"build\": \"tsc\"}}\n"
		part = "/package.json --\n{\"dependencies\": {\"react\": \"18\"}, \"scripts\": {\"build\": \"vite build\"}}\n"
	)
	const install, build = "cd infra && npm ci", "cd infra && npm run build"
	website := []string{install, "cd website && npm install", "cd website && npm run build", build}
	cases := map[string]struct {
		files string
		want  []string
	}{
		"its output, relative to the app":       {own + "-- infra/app.ts --\nSource.asset('../website/dist')\n-- website" + part, website},
		"relative to the file":                  {own + "-- infra/app.ts --\nimport './lib/web'\n-- infra/lib/web.ts --\nasset('../../website')\n-- website" + part, website},
		"a joined path":                         {own + "-- infra/app.ts --\nasset(path.join(__dirname, '..', 'website', 'dist'))\n-- website" + part, website},
		"with a lock":                           {own + "-- infra/app.ts --\nasset('fn')\n-- infra/fn/package-lock.json --\n{}\n-- infra/fn/package.json --\n{\"dependencies\": {\"pg\": \"8\"}}\n", []string{install, "cd infra/fn && npm ci", build}},
		"named twice, and a file in it":         {own + "-- infra/app.ts --\nasset('fn'); entry('./fn/index.ts')\n-- infra/fn/package.json --\n{\"dependencies\": {\"pg\": \"8\"}}\n", []string{install, "cd infra/fn && npm install", build}},
		"not named":                             {own + "-- infra/app.ts --\nasset('other')\n-- website" + part, []string{install, build}},
		"named in a comment":                    {own + "-- infra/app.ts --\n// '../website'\n-- website" + part, []string{install, build}},
		"nothing to install":                    {own + "-- infra/app.ts --\nasset('fn')\n-- infra/fn/package.json --\n{\"type\": \"module\"}\n", []string{install, build}},
		"an image, which installs for itself":   {own + "-- infra/app.ts --\nimage('../website')\n-- website/Dockerfile --\n-- website" + part, []string{install, build}},
		"a package above the app":               {own + "-- infra/app.ts --\nasset('../README.md')\n-- package.json --\n{\"dependencies\": {\"x\": \"1\"}}\n", []string{install, build}},
		"a member of a workspace":               {own + "-- infra/app.ts --\nasset('../website')\n-- package.json --\n{\"workspaces\": [\"website\"]}\n-- website" + part, []string{install, build}},
		"outside of the repository":             {own + "-- infra/app.ts --\nasset('../../../../../website')\n", []string{install, build}},
		"installed by the app's build":          {app + "{\"scripts\": {\"build\": \"npm run web && tsc\", \"web\": \"cd ../website && npm i && npm run build\"}}\n-- infra/app.ts --\nasset('../website')\n-- website" + part, []string{install, build}},
		"installed by a hook":                   {app + "{\"scripts\": {\"build\": \"tsc\", \"postinstall\": \"(cd fn && npm install);\"}}\n-- infra/app.ts --\nasset('fn')\n-- infra/fn/package.json --\n{\"dependencies\": {\"pg\": \"8\"}}\n", []string{install, build}},
		"installed by a script that is not run": {app + "{\"scripts\": {\"build\": \"tsc\", \"web\": \"cd ../website && npm i\"}}\n-- infra/app.ts --\nasset('../website')\n-- website" + part, website},
		"built by the app's build":              {app + "{\"scripts\": {\"build\": \"npm --prefix ../website run build\"}}\n-- infra/app.ts --\nasset('../website')\n-- website" + part, []string{install, "cd website && npm install", build}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, inspect(t, c.files).Build) })
	}
	other := inspect(t, "-- cdk.json --\n{\"app\": \"npx tsx app.ts\"}\n-- app.ts --\nasset('website')\n-- website/cdk.json --\n{}\n-- website"+part)
	assert.Empty(t, other.Build, "another app has another configuration")
	python := inspect(t, "-- cdk.json --\n{\"app\": \"python3 app.py\"}\n-- requirements.txt --\n-- app.py --\nasset(os.path.join(here, 'website', 'build'))\n-- website"+part)
	assert.Equal(t, "cd website && npm install; cd website && npm run build", strings.Join(python.Build[1:], "; "))
}

func TestAnAppOfAnotherLanguageIsBuiltInTheWorkspace(t *testing.T) {
	const venv = "python3 -m venv .venv && .venv/bin/pip install "
	cases := map[string]struct {
		files string
		build string
		note  string
	}{
		"Python":                  {"-- cdk.json --\n{\"app\": \"python3 app.py\"}\n-- requirements.txt --\n", venv + "-r requirements.txt", ""},
		"Python, packages above":  {"-- infra/cdk.json --\n{\"app\": \"python3 app.py\"}\n-- requirements.txt --\n", venv + "-r requirements.txt", ""},
		"Python, a project":       {"-- infra/cdk.json --\n{\"app\": \"python3 app.py\"}\n-- infra/pyproject.toml --\n", "cd infra && " + venv + ".", ""},
		"Python without packages": {"-- cdk.json --\n{\"app\": \"python3 app.py\"}\n", "", "No requirements.txt"},
		"Go":                      {"-- cdk.json --\n{\"app\": \"go mod download && go run x.go\"}\n-- go.mod --\n", "go build ./...", "lack Go"},
		"Maven":                   {"-- infra/cdk.json --\n{\"app\": \"mvn -e -q compile exec:java\"}\n", "cd infra && mvn -q package -DskipTests", "lack a JDK and Maven"},
		"Gradle":                  {"-- cdk.json --\n{\"app\": \"./gradlew run\"}\n-- gradlew --\n", "./gradlew assemble", "lack a JDK and Gradle"},
		"C#":                      {"-- cdk.json --\n{\"app\": \"dotnet run --project src/S/S.csproj\"}\n-- src/S/S.csproj --\n", "dotnet build src", "lack the .NET SDK"},
		"a folder with a space":   {"-- my infra/cdk.json --\n{\"app\": \"python3 app.py\"}\n-- my infra/requirements.txt --\n", "cd 'my infra' && " + venv + "-r requirements.txt", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			app := inspect(t, c.files)
			assert.Equal(t, c.build, strings.Join(app.Build, "; "))
			assert.Contains(t, string(scaffold.Render(app)), c.note)
		})
	}
}

func TestTestsRunOnlyIfThereAreAny(t *testing.T) {
	const app = "-- cdk.json --\n{}\n-- package-lock.json --\n{}\n-- package.json --\n{\"scripts\": {\"test\": \"jest\"}}\n"
	assert.Equal(t, []string{"npm ci"}, inspect(t, app).Build)
	assert.Equal(t, []string{"npm ci", "npm run test"}, inspect(t, app+"-- test/x.test.ts --\n").Build)
}

var twoApps = []txtar.File{
	{Name: "services/orders/cdk.json", Data: []byte(`{"app": "node app.js"}`)},
	{Name: "services/orders/app.js", Data: []byte("new Stack(app, 'Orders')")},
	{Name: "services/billing/cdk.json", Data: []byte(`{"app": "node app.js"}`)},
	{Name: "services/billing/app.js", Data: []byte("new Stack(app, 'Billing')")},
}

func TestOneOfSeveralAppsIsChosenAndTheOthersAreNamed(t *testing.T) {
	dir := write(t, twoApps)
	_, err := scaffold.Inspect(dir, "")
	require.ErrorContains(t, err, "has 2 CDK apps: services/billing, services/orders")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "--app services/billing")
	_, err = scaffold.Inspect(dir, "services/payments")
	require.ErrorContains(t, err, "there is no CDK app in services/payments")
	require.ErrorContains(t, err, "services/billing, services/orders")
	_, err = scaffold.Inspect(dir, "../elsewhere")
	require.ErrorContains(t, err, "there is no CDK app in")

	for _, choice := range []string{"services/orders", "./services/orders/", "services/orders/cdk.json", filepath.Join(dir, "services", "orders")} {
		app, err := scaffold.Inspect(dir, choice)
		require.NoError(t, err, choice)
		assert.Equal(t, []string{"Orders"}, app.Recognised())
		assert.Equal(t, []string{"services/billing"}, app.Others)
		assert.Contains(t, string(scaffold.Render(app)), "# Not in this file: 1 CDK app: services/billing\n")
	}
}

func TestPathsAndCommandsInASubfolderAreRelativeToTheRepository(t *testing.T) {
	dir := write(t, append(twoApps, txtar.File{Name: ".git/HEAD", Data: []byte("ref: refs/heads/main\n")},
		txtar.File{Name: "services/orders/package.json", Data: []byte("{}")}))
	app, err := scaffold.Inspect(filepath.Join(dir, "services", "orders"), "")
	require.NoError(t, err)
	assert.Equal(t, dir, app.Top)
	assert.Equal(t, "services/orders", app.Folder)
	assert.Equal(t, "Orders services/orders/app.js", named(app.Stacks))
	assert.Equal(t, []string{"cd services/orders && npm install"}, app.Build)
}

func TestAnAssemblyCompletesTheSource(t *testing.T) {
	app := inspect(t, "-- infra/cdk.json --\n{\"app\": \"node app.js\"}\n-- infra/app.js --\nnew Api(app, `${x}-Api`); new Live(app, 'Live');\n"+
		"-- infra/lib.js --\nclass Api extends Stack {}\nclass Live extends Stage {}\n")
	stack := func(id, name, path, account, region string, after ...string) assembly.Stack {
		return assembly.Stack{ID: id, Name: name, Path: path, Environment: assembly.Environment{Account: account, Region: region}, After: after}
	}
	made := &assembly.Assembly{Stacks: []assembly.Stack{
		stack("2", "shop-Api", "shop-Api", "", "", "3", "2.assets"),
		stack("1", "Live-Web", "Live/Web", "222222222222", "eu-west-1"),
		stack("3", "Data", "Data", scaffold.SynthAccount, scaffold.Region),
	}}
	app = app.With(made)
	assert.Equal(t, "Data infra, shop-Api infra/lib.js, Live/Web infra/lib.js 222222222222 eu-west-1", named(app.Stacks))
	assert.Contains(t, string(scaffold.Render(app)), "account: \"222222222222\"\n", "the account that the app sets, not the placeholder")
}

func TestASynthesizedStackKeepsTheAccountThatTheAppSetsAlsoIfItIsTheExampleOfTheFile(t *testing.T) {
	app := inspect(t, `-- cdk.json --
{"app": "sh app.sh"}
-- app.sh --
stack() { printf '"%s": {"type": "aws:cloudformation:stack", "environment": "aws://%s/eu-west-1", "properties": {"templateFile": "t.json"}}' "$1" "$2"; }
echo '{}' > "$CDK_OUTDIR/t.json"
echo "{\"version\": \"36.0.0\", \"artifacts\": {$(stack Hub `+scaffold.Account+`), $(stack Spoke 222222222222), $(stack Any "$CDK_DEFAULT_ACCOUNT")}}" > "$CDK_OUTDIR/manifest.json"
`)
	app, err := app.Synthesize(t.Context(), proc.Runner{}, io.Discard)
	require.NoError(t, err)
	cfg, err := config.Parse(golden, scaffold.Render(app))
	require.NoError(t, err)
	require.Len(t, cfg.Environments, 2)
	for i, account := range []string{scaffold.Account, "222222222222"} {
		assert.Equal(t, account, cfg.Environments[i].Account)
		assert.ElementsMatch(t, []string{"Any", []string{"Hub", "Spoke"}[i]}, cfg.StackNames(cfg.Environments[i].Name))
	}
}

func TestStacksNamedAfterStagesOfDeliveryMakeSeparateEnvironments(t *testing.T) {
	const app = "-- cdk.json --\n{\"app\": \"npx tsx app.ts\"}\n-- app.ts --\nconst app = new App();\nclass Live extends Stage {}\n"
	cases := map[string]struct{ creations, want string }{
		"in the names of stacks":   {"new Stack(app, 'Api-prod'); new Stack(app, 'Api-dev'); new Stack(app, 'dev.Web');", "dev 111111111111 Api-dev dev.Web; prod 222222222222 Api-prod"},
		"in those of stages":       {"new Live(app, 'Dev'); new Live(app, 'Staging'); new Live(app, 'Prod');", "dev 111111111111 Dev/**; staging 222222222222 Staging/**; prod 333333333333 Prod/**"},
		"with one that all have":   {"new Stack(app, 'Shared'); new Live(app, 'QA'); new Live(app, 'Production');", "qa 111111111111 Shared QA/**; production 222222222222 Shared Production/**"},
		"of one stage only":        {"new Stack(app, 'Api-dev'); new Stack(app, 'Web-dev');", "dev 111111111111 Api-dev Web-dev"},
		"as parts of words":        {"new Stack(app, 'Devices'); new Stack(app, 'Products');", "dev 111111111111 Devices Products"},
		"which set their accounts": {"new Live(app, 'Dev', {env: {account: '444444444444'}}); new Live(app, 'Prod', {env: {account: '555555555555'}});", "dev 444444444444 Dev/**; prod 555555555555 Prod/**"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cfg, err := config.Parse(golden, scaffold.Render(inspect(t, app+c.creations)))
			require.NoError(t, err)
			var all []string
			for _, env := range cfg.Environments {
				one := env.Name + " " + env.Account
				for _, stack := range env.Stacks {
					one += " " + stack.Name
				}
				all = append(all, one)
			}
			assert.Equal(t, c.want, strings.Join(all, "; "))
		})
	}
}

func TestRegionsAndBootstrapsThatAnAssemblyReachesAreWritten(t *testing.T) {
	app := inspect(t, "-- cdk.json --\n{\"app\": \"node app.js\"}\n-- app.js --\n")
	const account = "333333333333"
	named := func(qualifier, what, region string) string {
		return "cdk-" + qualifier + "-" + what + "-${AWS::AccountId}-" + region
	}
	stack := assembly.Stack{
		Name: "Api", Path: "Api", Environment: assembly.Environment{Account: account, Region: "eu-west-1"},
		LookupRole:    assembly.Role{ARN: "arn:${AWS::Partition}:iam::" + account + ":role/" + named("shop", "lookup-role", "${AWS::Region}")},
		DeployRole:    assembly.Role{ARN: "arn:aws:iam::" + account + ":role/team/Deployer"},
		ExecutionRole: "arn:aws:iam::444444444444:role/cdk-other-cfn-exec-role-444444444444-eu-west-1", // refused by the run
		Assets: []*assembly.AssetManifest{{
			Files:  []assembly.FileAsset{{Destinations: []assembly.FileDestination{{Bucket: named("hnb659fds", "assets", "eu-north-1")}, {Bucket: "own"}}}},
			Images: []assembly.ImageAsset{{Destinations: []assembly.ImageDestination{{Repository: named("123", "container-assets", "us-east-1")}}}},
		}},
	}
	rendered := func(stacks ...assembly.Stack) config.Environment {
		text := scaffold.Render(app.With(&assembly.Assembly{Stacks: stacks}))
		cfg, err := config.Parse(golden, text)
		require.NoError(t, err, "%s", text)
		return cfg.Environments[0]
	}
	assert.Equal(t, []string{"eu-north-1"}, rendered(stack).Regions, "us-east-1 is always reached")
	assert.Equal(t, []string{"shop", "hnb659fds", "123"}, rendered(stack).Qualifiers(), "the lookup role's is the first")

	stack.LookupRole.ARN = "arn:aws:iam::" + account + ":role/" + named("hnb659fds", "lookup-role", "eu-west-1")
	stack.Assets = nil
	usual := scaffold.Render(app.With(&assembly.Assembly{Stacks: []assembly.Stack{stack}}))
	assert.NotContains(t, string(usual), "bootstrapQualifiers:")
}

func TestTheRegionsOfStacksThatALoopMakesAreWritten(t *testing.T) {
	const app = "-- cdk.json --\n{\"app\": \"node app.js\"}\n-- app.js --\nconst app = new cdk.App();\n"
	for name, c := range map[string]struct {
		source string
		want   []string
	}{
		"a list in the loop": {"for (const region of ['eu-west-1', 'us-east-1', 'eu-nowhere-1']) {\n  new cdk.Stack(app, 'Svc-' + region, { env: { account: '111111111111', region } });\n}\n", []string{"eu-west-1"}},
		"a list with a name": {"const all = [\"ap-south-1\", \"eu-west-1\"];\nall.forEach(r => new cdk.Stack(app, `Svc-${r}`, { env: { account: '111111111111', region: r } }));\n", []string{"ap-south-1", "eu-west-1"}},
		"of whoever runs it": {"const note = 'eu-west-1';\nnew cdk.Stack(app, 'Svc', { env: { account: '111111111111', region: process.env.CDK_DEFAULT_REGION } });\n", nil},
		"no region":          {"const note = 'eu-west-1';\nnew cdk.Stack(app, 'Svc');\n", nil},
	} {
		cfg, err := config.Parse(golden, scaffold.Render(inspect(t, app+c.source)))
		require.NoError(t, err, name)
		assert.Equal(t, c.want, cfg.Environments[0].Regions, name)
	}
}

func TestTheQualifierOfTheCDKsSettingsIsWritten(t *testing.T) {
	const settings = "-- cdk.json --\n{\"app\": \"node app.js\", \"context\": {\"@aws-cdk/core:bootstrapQualifier\": \"shop\"}}\n-- app.js --\n"
	for _, source := range []string{"", "const app = new cdk.App(); new cdk.Stack(app, 'Api');\n"} {
		assert.Contains(t, string(scaffold.Render(inspect(t, settings+source))), "    bootstrapQualifiers: [shop]\n", source)
	}
	invalid := strings.Replace(settings, `"shop"`, `"not a qualifier"`, 1)
	assert.NotContains(t, string(scaffold.Render(inspect(t, invalid))), "bootstrapQualifiers:")
}
