package config

import (
	_ "embed"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
)

// The sources of the types: the schema and the reference page use their doc comments.
var (
	//go:embed types.go
	typesSource string
	//go:embed environments.go
	environmentsSource string
	//go:embed commands.go
	commandsSource string
	//go:embed pods.go
	podsSource string
	//go:embed triggers.go
	triggersSource string
	//go:embed notifications.go
	notificationsSource string
	//go:embed githubapp.go
	githubAppSource string
	//go:embed policy.go
	policySource string
	//go:embed windows.go
	windowsSource string
)

// mapping is a kind of mapping in the file: a struct type, its paths, and its keys.
type mapping struct {
	typ   reflect.Type
	paths []string
	doc   string
	keys  []documentedKey
}

type documentedKey struct {
	field
	doc string
}

// documented returns all kinds of mappings in the order of the file's keys; the
// first is the file itself.
func documented() []*mapping {
	docs := comments()
	var all []*mapping
	collect(reflect.TypeFor[Config](), "", docs, &all)
	return all
}

func collect(t reflect.Type, path string, docs map[string]string, all *[]*mapping) {
	for _, known := range *all {
		if known.typ == t {
			known.paths = append(known.paths, path)
			return
		}
	}
	found := &mapping{typ: t, paths: []string{path}, doc: docs[t.Name()]}
	*all = append(*all, found)
	for _, f := range fieldsOf(t) {
		found.keys = append(found.keys, documentedKey{f, docs[t.Name()+"."+f.name]})
		if inner, suffix := elementOf(f.typ); inner.Kind() == reflect.Struct {
			collect(inner, join(path, f.key)+suffix, docs, all)
		}
	}
}

// comments returns the doc comments of the types and, as `Type.Field`, of their
// fields, each as one line.
func comments() map[string]string {
	docs := map[string]string{}
	for _, source := range []string{typesSource, environmentsSource, commandsSource, podsSource, notificationsSource, windowsSource, policySource, triggersSource, githubAppSource} {
		commentsIn(source, docs)
	}
	return docs
}

func commentsIn(source string, docs map[string]string) {
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.ParseComments)
	if err != nil {
		return // cannot fail: it was compiled
	}
	for _, declaration := range file.Decls {
		general, ok := declaration.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range general.Specs {
			if named, ok := spec.(*ast.TypeSpec); ok {
				docs[named.Name.Name] = oneLine(general.Doc)
				fieldComments(named, docs)
			}
		}
	}
}

func fieldComments(named *ast.TypeSpec, docs map[string]string) {
	body, ok := named.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range body.Fields.List {
		for _, name := range f.Names {
			docs[named.Name.Name+"."+name.Name] = oneLine(f.Doc)
		}
	}
}

func oneLine(comment *ast.CommentGroup) string {
	return strings.Join(strings.Fields(comment.Text()), " ")
}
