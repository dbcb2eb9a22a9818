package assembly

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxDepth bounds assemblies inside assemblies; CDK Stages in Stages rarely go beyond two.
const maxDepth = 16

// Read reads the cloud assembly in dir with everything that it names, and
// checks that it is whole: known schema, existing files inside the folder,
// existing dependencies. The errors are of type *Error where a person can act on them.
func Read(dir string) (*Assembly, error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	defer f.root.Close()
	a := &Assembly{Dir: f.dir}
	if err := f.readAssembly(a, ".", 0); err != nil {
		return nil, err
	}
	return a, checkUnique(a.Stacks)
}

// readAssembly adds to a what the manifest in base holds, first its own stacks, then nested ones.
func (f *folder) readAssembly(a *Assembly, base string, depth int) error {
	var m manifest
	if depth > maxDepth {
		return wrongf("", "assemblies are nested deeper than %d", maxDepth)
	}
	if err := f.readJSON(base, "manifest.json", &m); err != nil {
		return err
	}
	if err := checkVersion(m.Version, m.MinimumCLIVersion); err != nil {
		return err
	}
	if depth == 0 {
		a.Version = m.Version
		if err := a.addFlags(m); err != nil {
			return err
		}
	}
	a.addMissing(m.Missing)
	lists, err := f.assetManifests(base, m)
	if err != nil {
		return err
	}
	for _, id := range m.Artifacts.keys {
		if m.Artifacts.values[id].Type != typeStack {
			continue
		}
		stack, err := f.stack(base, id, m, lists)
		if err != nil {
			return fmt.Errorf("stack %q: %w", id, err)
		}
		a.Stacks = append(a.Stacks, stack)
	}
	return f.nested(a, base, m, depth)
}

// addFlags reads the reports of feature flags; each library of constructs has one of its own.
func (a *Assembly) addFlags(m manifest) error {
	for _, id := range m.Artifacts.keys {
		if m.Artifacts.values[id].Type != typeFlags {
			continue
		}
		var properties flagsProperties
		if err := decode(id, m.Artifacts.values[id].Properties, &properties); err != nil {
			return err
		}
		if a.Flags == nil {
			a.Flags = map[string]any{}
		}
		for name, flag := range properties.Flags {
			if a.Flags[name] = flag.Value; flag.Value == nil {
				a.Flags[name] = flag.Implied.V2
			}
		}
	}
	return nil
}

func (f *folder) nested(a *Assembly, base string, m manifest, depth int) error {
	for _, id := range m.Artifacts.keys {
		art := m.Artifacts.values[id]
		if art.Type != typeAssembly {
			continue
		}
		var properties assemblyProperties
		if err := decode(id, art.Properties, &properties); err != nil {
			return err
		}
		dir, err := f.locate(base, properties.Directory)
		if err != nil {
			return err
		}
		if dir == filepath.Clean(base) {
			return wrongf("", "artifact %q: the assembly contains itself", id)
		}
		if err := f.readAssembly(a, dir, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (f *folder) assetManifests(base string, m manifest) (map[string]*AssetManifest, error) {
	lists := map[string]*AssetManifest{}
	for _, id := range m.Artifacts.keys {
		art := m.Artifacts.values[id]
		if art.Type != typeAssets {
			continue
		}
		var properties assetsProperties
		if err := decode(id, art.Properties, &properties); err != nil {
			return nil, err
		}
		list, err := f.readAssets(base, id, properties.File)
		if err != nil {
			return nil, fmt.Errorf("asset manifest %q: %w", id, err)
		}
		list.Bootstrap = Bootstrap(properties.bootstrapProperties)
		lists[id] = list
	}
	return lists, nil
}

func (f *folder) stack(base, id string, m manifest, lists map[string]*AssetManifest) (Stack, error) {
	art := m.Artifacts.values[id]
	var p stackProperties
	if err := decode(id, art.Properties, &p); err != nil {
		return Stack{}, err
	}
	env, err := parseEnvironment(art.Environment)
	if err != nil {
		return Stack{}, wrongf("", "%w", err)
	}
	stack := Stack{
		ID: id, Name: orElse(p.StackName, id), Path: orElse(art.DisplayName, id), Environment: env,
		TemplateURL: p.TemplateURL, Parameters: p.Parameters, Tags: p.Tags,
		NotificationARNs: p.NotificationARNs, TerminationProtection: p.TerminationProtection,
		DeployRole: p.role(), ExecutionRole: p.ExecutionRole,
		LookupRole: Role{ARN: p.LookupRole.ARN, ExternalID: p.LookupRole.ExternalID, Tags: p.LookupRole.Options.tags()},
		Bootstrap:  Bootstrap(p.bootstrapProperties),
	}
	if stack.Template, err = f.path(base, p.TemplateFile); err != nil {
		return Stack{}, fmt.Errorf("template: %w", err)
	}
	if err := stack.link(art.Dependencies, m, lists); err != nil {
		return Stack{}, err
	}
	return stack, f.readMetadata(base, art, &stack)
}

// link sorts the artifacts that the stack depends on into stacks and assets.
func (s *Stack) link(dependencies []string, m manifest, lists map[string]*AssetManifest) error {
	for _, id := range dependencies {
		art, exists := m.Artifacts.values[id]
		switch {
		case !exists:
			return wrongf("synthesize the app again", "it depends on %q, which the assembly lacks", id)
		case art.Type == typeStack && !slices.Contains(s.After, id):
			s.After = append(s.After, id)
		case art.Type == typeAssets && !slices.Contains(s.Assets, lists[id]):
			s.Assets = append(s.Assets, lists[id])
		}
	}
	return nil
}

func (a *Assembly) addMissing(missing []Missing) {
	for _, m := range missing {
		if !slices.ContainsFunc(a.Missing, func(known Missing) bool { return known.Key == m.Key }) {
			a.Missing = append(a.Missing, m)
		}
	}
}

func checkVersion(version, cli string) error {
	major, err := strconv.Atoi(strings.Split(version, ".")[0])
	if err != nil {
		return wrongf("", "the schema version %q of the cloud assembly is not a version", version)
	}
	if major <= Schema {
		return nil
	}
	needs := ""
	if cli != "" {
		needs = " (made for the CDK CLI " + cli + ")"
	}
	return wrongf("use a newer release of this program, or pin an older aws-cdk-lib in the app",
		"the cloud assembly has schema %s%s, but this program reads schemas up to %d", version, needs, Schema)
}

func checkUnique(stacks []Stack) error {
	seen := map[string]bool{}
	for _, stack := range stacks {
		if seen[stack.ID] {
			return wrongf("", "two stacks of the cloud assembly have the id %q", stack.ID)
		}
		seen[stack.ID] = true
	}
	return nil
}

func decode(id string, properties json.RawMessage, into any) error {
	if len(properties) == 0 {
		return wrongf("", "artifact %q has no properties", id)
	}
	if err := json.Unmarshal(properties, into); err != nil {
		hint := "synthesize the app again"
		if known := new(Error); errors.As(err, &known) && known.Hint != "" {
			hint = known.Hint
		}
		return wrongf(hint, "artifact %q: %w", id, err)
	}
	return nil
}
