package scaffold

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Declared is a pipeline that a construct declares: AphexPipeline records its
// configuration in the metadata of the stack's template.
type Declared struct {
	Construct string // path in the app, such as "MyAppPipeline/Pipeline"
	Path      string // of its configuration file in the repository, with slashes
	Text      []byte // of the file
}

const (
	recorded      = "AphexPipeline:"  // prefix of the key in the metadata; the construct's path follows
	templateFile  = "*.template.json" // in a cloud assembly
	mostTemplate  = 8 << 20           // bytes; CloudFormation takes 1 MB
	mostTemplates = 10_000            // of an assembly
	synthesizeIt  = "run cdk synth, which writes the folder cdk.out"
	declaredBy    = "# Declared by the construct %s. Change it there, then run: cdk synth && generator init --from-construct cdk.out\n"
)

// DeclaredIn returns the pipelines that constructs of a cloud assembly declare, by the
// construct's path. The assembly is that of an untrusted app.
func DeclaredIn(folder string) ([]Declared, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, errs.Invalidf("reading the cloud assembly: %w", err).WithHint(synthesizeIt)
	}
	defer root.Close()
	var all []Declared
	count := 0
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && strings.HasPrefix(entry.Name(), "asset.") {
			return fs.SkipDir
		}
		if match, _ := path.Match(templateFile, entry.Name()); !match || !entry.Type().IsRegular() {
			return nil
		}
		if count++; count > mostTemplates {
			return errs.Invalidf("%s has more than %d templates", folder, mostTemplates)
		}
		found, err := declaredOf(root, name)
		all = append(all, found...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the cloud assembly %s: %w", folder, err)
	}
	if all == nil {
		return nil, errs.Invalidf("no stack in %s has an AphexPipeline construct", folder).WithHint("give the folder of the cloud assembly: %s", synthesizeIt)
	}
	slices.SortFunc(all, func(a, b Declared) int { return strings.Compare(a.Construct, b.Construct) })
	return all, nil
}

// DeclaredBy returns the pipeline that a construct of a cloud assembly declares. "" is the
// only construct of the assembly.
func DeclaredBy(folder, construct string) (Declared, error) {
	all, err := DeclaredIn(folder)
	if err != nil {
		return Declared{}, err
	}
	var names []string
	for _, one := range all {
		names = append(names, one.Construct)
	}
	at := slices.Index(names, construct)
	switch {
	case construct == "" && len(all) == 1:
		at = 0
	case construct == "":
		return Declared{}, errs.Invalidf("the app has %s", Listed("AphexPipeline construct", names)).WithHint("select one with --construct")
	case at < 0:
		return Declared{}, errs.Invalidf("the app has no AphexPipeline construct %q: it has %s", construct, strings.Join(names, ", "))
	}
	return all[at], nil
}

// declaredOf returns the pipelines of one template.
func declaredOf(root *os.Root, name string) ([]Declared, error) {
	file, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, mostTemplate+1))
	if err != nil {
		return nil, err
	}
	if len(text) > mostTemplate {
		return nil, errs.Invalidf("template %s has more than %d MiB", name, mostTemplate>>20)
	}
	var template struct {
		Metadata map[string]json.RawMessage
	}
	if err := json.Unmarshal(text, &template); err != nil {
		return nil, errs.Invalidf("template %s: %w", name, err)
	}
	var all []Declared
	for key, value := range template.Metadata {
		construct, is := strings.CutPrefix(key, recorded)
		if !is {
			continue
		}
		one, err := declared(construct, value)
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", name, err)
		}
		all = append(all, one)
	}
	return all, nil
}

// declared reads what a construct recorded.
func declared(construct string, value []byte) (Declared, error) {
	var record struct{ Path, Configuration string }
	if err := json.Unmarshal(value, &record); err != nil {
		return Declared{}, errs.Invalidf("the construct %q recorded no configuration: %w", construct, err)
	}
	if extension := path.Ext(record.Path); !filepath.IsLocal(filepath.FromSlash(record.Path)) || extension != ".yaml" && extension != ".yml" {
		return Declared{}, errs.Invalidf("configPath %q of the construct %q is no path of a YAML file in the repository", record.Path, construct)
	}
	text := []byte(record.Configuration)
	meant, err := config.Parse(record.Path, text)
	if err != nil {
		return Declared{}, err
	}
	if !bytes.HasPrefix(text, []byte("{")) {
		return Declared{construct, record.Path, text}, nil // a file, of AphexPipeline.fromConfig
	}
	// JSON is valid YAML: it stays where YAML in blocks would say another thing, such as of unusual line breaks.
	if written, err := blocks(text); err == nil {
		if read, err := config.Parse(record.Path, written); err == nil && reflect.DeepEqual(read, meant) {
			text = written
		}
	}
	header := fmt.Appendf(nil, declaredBy, strings.Join(strings.Fields(construct), " "))
	return Declared{construct, record.Path, append(header, text...)}, nil
}

// blocks writes JSON as YAML of the usual style, with the keys in their order.
func blocks(text []byte) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	unflow(&document)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}

// unflow removes the style of JSON. Texts that YAML would read as another type stay quoted.
func unflow(node *yaml.Node) {
	node.Style &^= yaml.FlowStyle
	if node.Kind == yaml.ScalarNode && node.Tag == "!!str" {
		node.Style = 0
	}
	for _, inner := range node.Content {
		unflow(inner)
	}
}

// Write writes the configuration to its path in the repository around a folder, and
// returns the path of the file.
func (d Declared) Write(source string) (string, error) {
	top, _, err := around(source)
	if err != nil {
		return "", err
	}
	root, err := os.OpenRoot(top)
	if err != nil {
		return "", errs.Writing(top, err)
	}
	defer root.Close()
	name, target := filepath.FromSlash(d.Path), filepath.Join(top, filepath.FromSlash(d.Path))
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return "", errs.Writing(target, err)
	}
	if err := root.WriteFile(name, d.Text, 0o644); err != nil {
		return "", errs.Writing(target, err)
	}
	return target, nil
}
