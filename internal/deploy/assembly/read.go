package assembly

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxDepth limits the nesting of assemblies; CDK Stages rarely have more than two levels.
const maxDepth = 16

// Read reads the cloud assembly in dir. It returns an error for the assembly
// itself, such as an unknown schema. The error for one stack is in its Err, and for
// the missing source of an asset in its Missing. Errors with a hint have type
// *Error.
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

// ManifestFile is in the folder of each cloud assembly.
const ManifestFile = "manifest.json"

// readAssembly adds the contents of the manifest in base to a: first its stacks, then nested assemblies.
func (f *folder) readAssembly(a *Assembly, base string, depth int) error {
	var m manifest
	if depth > maxDepth {
		return wrongf("", "assemblies are nested deeper than %d", maxDepth)
	}
	if err := f.readJSON(base, ManifestFile, &m); err != nil {
		return err
	}
	if err := checkVersion(m.Version, m.MinimumCLIVersion); err != nil {
		return err
	}
	if depth == 0 {
		a.Version = m.Version
		a.addFlags(m)
	}
	a.addMissing(m.Missing)
	lists := f.assetManifests(base, m)
	for _, id := range m.Artifacts.keys {
		if m.Artifacts.values[id].Type == typeStack {
			a.Stacks = append(a.Stacks, f.stack(base, id, m, lists))
		}
	}
	return f.readNested(a, base, m, depth)
}

// addFlags reads the feature flag reports, one per construct library. It ignores
// one that cannot be read.
func (a *Assembly) addFlags(m manifest) {
	for _, id := range m.Artifacts.keys {
		if m.Artifacts.values[id].Type != typeFlags {
			continue
		}
		var properties flagsProperties
		if err := decode(id, m.Artifacts.values[id].Properties, &properties); err != nil {
			continue
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
}

func (f *folder) readNested(a *Assembly, base string, m manifest, depth int) error {
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
		real, err := filepath.EvalSymlinks(filepath.Join(f.dir, dir)) // many links may name one folder
		if err != nil {
			return err
		}
		if f.nested[real] {
			return wrongf("synthesize the app again", "two artifacts are the assembly in %s", dir)
		}
		f.nested[real] = true
		if err := f.readAssembly(a, dir, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// assetManifests reads the asset manifests and stores errors in them.
func (f *folder) assetManifests(base string, m manifest) map[string]*AssetManifest {
	lists := map[string]*AssetManifest{}
	for _, id := range m.Artifacts.keys {
		art := m.Artifacts.values[id]
		if art.Type != typeAssets {
			continue
		}
		list, err := f.assetManifest(base, id, art)
		if err != nil {
			list = &AssetManifest{ID: id, Dir: f.dir, Root: f.dir, err: fmt.Errorf("asset manifest %q: %w", id, err)}
		}
		lists[id] = list
	}
	return lists
}

func (f *folder) assetManifest(base, id string, art artifact) (*AssetManifest, error) {
	var properties assetsProperties
	if err := cmp.Or(art.err, decode(id, art.Properties, &properties)); err != nil {
		return nil, err
	}
	list, err := f.readAssets(base, id, properties.File)
	if err != nil {
		return nil, err
	}
	list.Bootstrap = Bootstrap(properties.bootstrapProperties)
	list.After = art.Dependencies
	return list, nil
}

// stack reads one stack and stores an error in it.
func (f *folder) stack(base, id string, m manifest, lists map[string]*AssetManifest) Stack {
	art := m.Artifacts.values[id]
	stack := Stack{ID: id, Name: id, Path: orElse(art.DisplayName, id)}
	stack.Err = f.fill(base, art, m, lists, &stack)
	return stack
}

func (f *folder) fill(base string, art artifact, m manifest, lists map[string]*AssetManifest, stack *Stack) error {
	var p stackProperties
	decoded := cmp.Or(art.err, decode(stack.ID, art.Properties, &p))
	stack.Name = orElse(p.StackName, stack.ID)
	env, err := parseEnvironment(art.Environment)
	if err != nil {
		return wrongf("", "%w", err)
	}
	stack.Environment = env
	if decoded != nil {
		return decoded
	}
	stack.TemplateURL, stack.Parameters, stack.Tags = p.TemplateURL, p.Parameters, p.Tags
	stack.NotificationARNs, stack.TerminationProtection = p.NotificationARNs, p.TerminationProtection
	stack.DeployRole, stack.ExecutionRole = p.role(), p.ExecutionRole
	stack.LookupRole = Role{ARN: p.LookupRole.ARN, ExternalID: p.LookupRole.ExternalID, Tags: p.LookupRole.Options.tags()}
	stack.Bootstrap = Bootstrap(p.bootstrapProperties)
	if stack.Template, err = f.path(base, p.TemplateFile); err != nil {
		return fmt.Errorf("template: %w", err)
	}
	if err := stack.link(art.Dependencies, m, lists); err != nil {
		return err
	}
	return f.readMetadata(base, art, stack)
}

// link splits the artifacts that the stack depends on into stacks and assets.
func (s *Stack) link(dependencies []string, m manifest, lists map[string]*AssetManifest) error {
	for _, id := range dependencies {
		art, exists := m.Artifacts.values[id]
		switch {
		case !exists:
			return wrongf("synthesize the app again", "it depends on %q, which is missing from the assembly", id)
		case art.Type == typeStack && !slices.Contains(s.After, id):
			s.After = append(s.After, id)
		case art.Type == typeAssets && lists[id].err != nil:
			return lists[id].err
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
		needs = " (requires the CDK CLI " + cli + ")"
	}
	return wrongf("use a newer release of this program, or pin an older aws-cdk-lib in the app",
		"the cloud assembly has schema %s%s, but this program supports schemas up to %d", version, needs, Schema)
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
