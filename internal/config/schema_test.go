package config_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/aphex/aphex-pipeline/internal/config"
)

func TestTheSchemaAcceptsWhatTheLoaderAccepts(t *testing.T) {
	schema := compileSchema(t)
	for _, pattern := range []string{"testdata/valid/*.yaml", "reference/*.yaml"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			_, err = config.Parse(file, source)
			assert.NoError(t, err, file)
			assert.NoError(t, schema.Validate(asJSON(t, source)), file)
		}
	}
}

func TestSchemaAndLoaderRefuseTheSameMistakes(t *testing.T) {
	schema := compileSchema(t)
	for name, text := range map[string]string{
		"no version":             oneEnvironment,
		"version as a number":    "version: 1.0\n" + oneEnvironment,
		"another version":        "version: '2.0'\n" + oneEnvironment,
		"no environments":        "version: '1.0'\n",
		"empty environments":     "version: '1.0'\nenvironments: []\n",
		"unknown key":            "version: '1.0'\ngithubOwnr: x\n" + oneEnvironment,
		"unknown key below":      environment("regoin: x"),
		"account as a number":    environment("account: 12345"),
		"account too short":      environment("account: '12345'"),
		"bad region":             environment("region: useast1"),
		"hostile name":           environment("name: $(id)"),
		"empty stacks":           environment("stacks: []"),
		"stack without a name":   environment("stacks: [{path: x}]"),
		"absolute path":          environment("stacks: [{name: A, path: /x}]"),
		"path out of repository": environment("stacks: [{name: A, path: ../x}]"),
		"tests as a text":        environment("tests: npm test"),
		"empty tests":            environment("tests: {commands: []}"),
		"blank command":          environment("tests: {commands: [' ']}"),
		"approval as a text":     environment("requiresApproval: 'yes'"),
		"no concurrency":         environment("concurrency: 0"),
		"after as a text":        environment("after: dev"),
		"role of a user":         environment("roleArn: arn:aws:iam::111111111111:user/x"),
		"short external id":      environment("externalId: x"),
		"parameters as a list":   environment("parameters: [a]"),
		"a parameter as a list":  environment("parameters: {A: [b]}"),
		"context as a text":      environment("context: a=b"),
		"a variable's name":      environment("env: {a-b: c}"),
		"a variable as a list":   environment("env: {A: [b]}"),
		"a topic's account":      environment("notificationArns: ['arn:aws:sns:eu-west-1::x']"),
		"another onFailure":      environment("onFailure: continue"),
		"no retention":           "version: '1.0'\nartifactRetentionDays: 0\n" + oneEnvironment,
		"bad bucket":             "version: '1.0'\nartifactBucketName: My_Bucket\n" + oneEnvironment,
		"bad image":              "version: '1.0'\nbuilderImage: 'a b'\n" + oneEnvironment,
		"branch like an option":  "version: '1.0'\ngithubBranch: -x\n" + oneEnvironment,
		"unknown service":        "version: '1.0'\nwebhookService: Ingress\n" + oneEnvironment,
		"unknown policy":         "version: '1.0'\nselfUpdate: {onFailure: ignore}\n" + oneEnvironment,
		"cron with six fields":   "version: '1.0'\nreconcileSchedule: 0 0 3 * * *\n" + oneEnvironment,
		"null":                   "version: '1.0'\nclusterName:\n" + oneEnvironment,
	} {
		_, err := config.Parse("x.yaml", []byte(text))
		assert.Error(t, err, "loader: "+name)
		assert.Error(t, schema.Validate(asJSON(t, []byte(text))), "schema: "+name)
	}
}

// environment returns a configuration whose only mistake is the given entry.
func environment(entry string) string {
	entries := map[string]any{"name": "dev", "account": "111111111111", "region": "eu-west-1", "stacks": []any{map[string]any{"name": "A"}}}
	var wrong map[string]any
	if err := yaml.Load([]byte(entry), &wrong); err != nil {
		panic(err)
	}
	for key, value := range wrong {
		entries[key] = value
	}
	text, err := yaml.Dump(map[string]any{"version": "1.0", "environments": []any{entries}})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	source, err := config.Schema()
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(source))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource(config.SchemaURL, document))
	schema, err := compiler.Compile(config.SchemaURL) // checks it against draft-07 itself
	require.NoError(t, err)
	return schema
}

func asJSON(t *testing.T, source []byte) any {
	t.Helper()
	var value any
	require.NoError(t, yaml.Load(source, &value))
	data, err := json.Marshal(value)
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	return document
}
