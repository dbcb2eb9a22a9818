package scaffold

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shapes are sources of n calls or classes that once took quadratic time.
var shapes = map[string]func(n int) string{
	"calls of what is not known": func(n int) string { return strings.Repeat("new T(app);\n", n) },
	"a construct that makes itself": func(n int) string {
		return "class C extends Construct { constructor() {\n" + strings.Repeat("new C(app, 'a');\n", n) + "}}\n"
	},
	"a construct of two files": func(n int) string {
		return "import { S } from './b';\n" + strings.Repeat("new S(app);\n", n)
	},
	"stacks with names of their own": func(n int) string {
		text := "class S extends cdk.Stack {}\n"
		for i := range n {
			text += fmt.Sprintf("new S(app, name%d, { env: env%d });\n", i, i)
		}
		return text
	},
	"classes that do not end": func(n int) string {
		return strings.Repeat("class A extends Construct {\n", n) + strings.Repeat("new A(app);\n", n)
	},
	"calls that do not end": func(n int) string { return strings.Repeat("new A(app, \n", n) },
	"calls in calls":        func(n int) string { return strings.Repeat("new A(x, new B(", n) + strings.Repeat("))", n) },
	"literals that do not end": func(n int) string {
		return strings.Repeat("`${", n) + "\n" + strings.Repeat("new T(app);\n", n)
	},
}

// TestALongSourceIsReadInTimeThatGrowsWithItsLength counts what is read more than once.
func TestALongSourceIsReadInTimeThatGrowsWithItsLength(t *testing.T) {
	for name, shape := range shapes {
		steps := func(n int) int {
			top := t.TempDir()
			for file, text := range map[string]string{
				"a.ts": "const app = new cdk.App();\n" + shape(n), "b.ts": "export class S extends Construct {}\n", "c.ts": "export class S extends Construct {}\n",
			} {
				require.NoError(t, os.WriteFile(filepath.Join(top, file), []byte(text), 0o600))
			}
			tree := grow(top, ".", []string{"a.ts"}, false)
			tree.stacks([]string{"a.ts"})
			return tree.steps
		}
		few, many := steps(1000), steps(2000)
		assert.LessOrEqual(t, many, 3*few+1000, "%s: %d, then %d", name, few, many)
	}
}
