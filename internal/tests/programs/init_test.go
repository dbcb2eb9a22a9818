package programs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// freshApp is an app as `cdk init` of the pinned CLI writes it, and what is added to it: a second stack that refers to
// the first, which the flags of a fresh cdk.json make a weak reference.
type freshApp struct {
	language, entry, library string
	entryText, libraryText   string
	environ                  []string
}

var freshApps = []freshApp{
	{
		"typescript", "bin/fresh.ts", "lib/fresh-stack.ts",
		`import * as cdk from 'aws-cdk-lib/core';
import { FreshStack, ReaderStack } from '../lib/fresh-stack';

const app = new cdk.App();
const fresh = new FreshStack(app, 'FreshStack', {});
new ReaderStack(app, 'ReaderStack', { topic: fresh.topic });
`,
		`import * as cdk from 'aws-cdk-lib/core';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';

export class FreshStack extends cdk.Stack {
  readonly topic: sns.ITopic;
  constructor(scope: Construct, id: string, props?: cdk.StackProps) {
    super(scope, id, props);
    this.topic = new sns.Topic(this, 'Topic');
  }
}

export class ReaderStack extends cdk.Stack {
  constructor(scope: Construct, id: string, props: { topic: sns.ITopic }) {
    super(scope, id);
    new ssm.StringParameter(this, 'Where', { stringValue: props.topic.topicArn });
    new cdk.CfnOutput(this, 'Topic', { value: props.topic.topicArn });
  }
}
`,
		nil,
	},
	{
		"javascript", "bin/fresh.js", "lib/fresh-stack.js",
		`const cdk = require('aws-cdk-lib/core');
const { FreshStack, ReaderStack } = require('../lib/fresh-stack');

const app = new cdk.App();
const fresh = new FreshStack(app, 'FreshStack', {});
new ReaderStack(app, 'ReaderStack', { topic: fresh.topic });
`,
		`const { Stack, CfnOutput } = require('aws-cdk-lib/core');
const sns = require('aws-cdk-lib/aws-sns');
const ssm = require('aws-cdk-lib/aws-ssm');

class FreshStack extends Stack {
  constructor(scope, id, props) {
    super(scope, id, props);
    this.topic = new sns.Topic(this, 'Topic');
  }
}

class ReaderStack extends Stack {
  constructor(scope, id, props) {
    super(scope, id);
    new ssm.StringParameter(this, 'Where', { stringValue: props.topic.topicArn });
    new CfnOutput(this, 'Topic', { value: props.topic.topicArn });
  }
}

module.exports = { FreshStack, ReaderStack };
`,
		[]string{withoutRules},
	},
}

// withoutRules switches off the CDK's own validation, which takes seconds of work each time. The first deployment of one
// app shows that it passes.
const withoutRules = "CDK_VALIDATION=false"

// TestWhatCDKInitWritesGoesThrough takes a new user's first steps: cdk init, a second stack, generator init, generator
// run; then a change of what the second stack refers to.
func TestWhatCDKInitWritesGoesThrough(t *testing.T) {
	bin := build(t)
	packages := packagesOfInit(t)
	for _, fresh := range freshApps {
		t.Run(fresh.language, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "fresh")
			require.NoError(t, os.Mkdir(dir, 0o755))
			user := person{t, dir, append(os.Environ(), "PATH="+bin+":"+cdk(t)+":"+os.Getenv("PATH"), "CDK_DISABLE_CLI_TELEMETRY=true", "NO_COLOR=1")}
			user.environ = append(user.environ, fresh.environ...)
			user.does("cdk init app --generate-only --language " + fresh.language)
			require.Contains(t, user.reads("cdk.json"), `"@aws-cdk/core:defaultCrossStackReferences": "weak"`)
			require.Contains(t, user.reads("cdk.json"), `"@aws-cdk/core:validateAgainstDefaultRules": true`)
			user.writes(fresh.entry, fresh.entryText)
			user.writes(fresh.library, fresh.libraryText)
			user.does("generator init")
			// The packages are those of the tests; a package for the app's own tests, which are only comments, is not among them.
			configuration := user.reads("aphex-config.yaml")
			require.Contains(t, configuration, "- npm install\n")
			configuration = strings.Replace(configuration, "- npm install\n", "- ln -s "+packages+" node_modules\n", 1)
			user.writes("aphex-config.yaml", strings.Replace(configuration, "- npm run test\n", "- \"true\"\n", 1))

			user.does("git init -q -b main && git add -A && git -c user.name=t -c user.email=t@example.com commit -q -m Start")
			first := user.does("generator run --source .")
			assert.Regexp(t, `FreshStack +\S+ +created`, first)
			assert.Regexp(t, `ReaderStack +\S+ +created`, first)
			assert.Regexp(t, `ReaderStack\.Topic +arn:aws:sns:\S+FreshStack-Topic`, first)

			user.environ = append(user.environ, withoutRules)
			user.writes(fresh.library, strings.Replace(fresh.libraryText, "'Topic');", "'Renamed');", 1))
			user.does("git -c user.name=t -c user.email=t@example.com commit -q -a -m Change")
			second := user.does("generator run --source .")
			assert.Regexp(t, `ReaderStack +\S+ +updated`, second)
			assert.Regexp(t, `ReaderStack\.Topic +arn:aws:sns:\S+FreshStack-Renamed`, second)
		})
	}
}

// person works in a folder.
type person struct {
	t       *testing.T
	dir     string
	environ []string
}

// does runs a command line that must succeed, and gives what it writes.
func (p person) does(line string) string {
	p.t.Helper()
	command := exec.CommandContext(p.t.Context(), "sh", "-c", line)
	command.Dir, command.Env = p.dir, p.environ
	out, err := command.CombinedOutput()
	require.NoError(p.t, err, "%s\n%s", line, out)
	return string(out)
}

func (p person) reads(file string) string {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, file))
	require.NoError(p.t, err)
	return string(text)
}

func (p person) writes(file, text string) {
	p.t.Helper()
	require.NoError(p.t, os.WriteFile(filepath.Join(p.dir, file), []byte(text), 0o644))
}

// packagesOfInit makes a node_modules with what `cdk init` names: the packages of examples/shop, and the few that it
// lacks. Only these few are installed, which takes seconds.
func packagesOfInit(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join("testdata/packages", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o644))
	}
	person{t, dir, os.Environ()}.does("npm ci --ignore-scripts --prefer-offline --no-audit --no-fund")
	shop := filepath.Dir(cdk(t))
	modules := filepath.Join(dir, "node_modules")
	for _, pattern := range []string{"*", "@*/*", ".bin/*"} {
		found, err := filepath.Glob(filepath.Join(shop, pattern))
		require.NoError(t, err)
		for _, one := range found {
			name, err := filepath.Rel(shop, one)
			require.NoError(t, err)
			if base := filepath.Base(name); base[0] == '.' || base[0] == '@' {
				continue
			}
			require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(modules, name)), 0o755))
			_ = os.Remove(filepath.Join(modules, name)) // a link that npm ci made, if any
			if _, err := os.Stat(filepath.Join(modules, name)); os.IsNotExist(err) {
				require.NoError(t, os.Symlink(one, filepath.Join(modules, name)))
			}
		}
	}
	return modules
}
