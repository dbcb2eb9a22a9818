package conformance_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// behind are the calls behind what is no call itself.
var behind = map[string][]string{
	"stscreds.NewAssumeRoleProvider":      {"sts:AssumeRole"},
	"transfermanager.DownloadObjectInput": {"s3:GetObject"},
	"transfermanager.UploadObjectInput": {
		"s3:PutObject", "s3:CreateMultipartUpload", "s3:UploadPart", "s3:CompleteMultipartUpload", "s3:AbortMultipartUpload",
	},
}

// removal removes a bucket with its pipeline, which no deployment does.
var removal = filepath.Join("..", "..", "bucket", "remove.go")

// TestTheTableOfCallsLacksNoneOfTheSource holds the table of calls against the
// source of the packages that a deployment calls AWS with.
func TestTheTableOfCallsLacksNoneOfTheSource(t *testing.T) {
	found := map[string]bool{}
	for _, name := range []string{"awsauth", "bucket", "deploy/assets", "deploy/cfn", "deploy/diagnosis"} {
		files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(name), "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || file == removal {
				continue
			}
			for _, call := range callsIn(t, file) {
				found[call] = true
				assert.Contains(t, slices.Concat(every, aside), call, "%s makes a call that the table lacks", file)
			}
		}
	}
	for _, call := range every {
		assert.True(t, found[call], "nothing makes the call %s", call)
	}
}

// callsIn finds the calls that a file makes: whoever makes one makes its input.
func callsIn(t *testing.T, file string) (calls []string) {
	t.Helper()
	source, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	clients := map[string]string{} // by the name that the file gives the package
	for _, spec := range source.Imports {
		if name, err := strconv.Unquote(spec.Path.Value); err == nil && strings.HasPrefix(name, "github.com/aws/aws-sdk-go-v2/") {
			clients[path.Base(name)] = name
		}
	}
	ast.Inspect(source, func(node ast.Node) bool {
		selected, is := node.(*ast.SelectorExpr)
		if !is {
			return true
		}
		from, _ := selected.X.(*ast.Ident)
		if from == nil || clients[from.Name] == "" {
			return true
		}
		operation, isInput := strings.CutSuffix(selected.Sel.Name, "Input")
		if isInput && path.Base(path.Dir(clients[from.Name])) == "service" {
			calls = append(calls, from.Name+":"+operation)
		}
		calls = append(calls, behind[from.Name+"."+selected.Sel.Name]...)
		return true
	})
	return calls
}
