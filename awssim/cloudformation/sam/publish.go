package sam

import (
	"maps"
	"regexp"
	"strings"
)

var aliasName = regexp.MustCompile(`^[A-Za-z0-9_-]*[A-Za-z_-][A-Za-z0-9_-]*$`)

// publish makes a version of the function and an alias of it, and lets
// CodeDeploy shift what calls the alias.
func (f *function) publish() {
	f.aliasName = f.p.text("AutoPublishAlias")
	sha := f.p.text("AutoPublishCodeSha256")
	everything, _ := f.p.flag("AutoPublishAliasAllProperties")
	description, deletion := f.p.take("VersionDescription"), f.p.take("VersionDeletionPolicy")
	provisioned := f.p.take("ProvisionedConcurrencyConfig")
	preference := f.p.properties("DeploymentPreference")
	if f.p.values["AutoPublishAlias"] == nil {
		f.unpublished(map[string]any{
			"ProvisionedConcurrencyConfig": provisioned, "VersionDescription": description,
			"VersionDeletionPolicy": deletion, "AutoPublishAliasAllProperties": f.p.values["AutoPublishAliasAllProperties"],
		}, sha, preference)
		return
	}
	if !aliasName.MatchString(f.aliasName) {
		f.invalid("AutoPublishAlias name ('%s') must contain only alphanumeric characters, hyphens, or underscores.", f.aliasName)
		return
	}
	if sha != "" {
		f.describe(sha)
	}
	version := f.version(everything, sha, description, deletion)
	f.alias = f.id + "Alias" + strings.NewReplacer("-", "D", "_", "U").Replace(f.aliasName)
	properties := map[string]any{"Name": f.aliasName, "FunctionName": ref(f.id), "FunctionVersion": getAtt(version, "Version")}
	if provisioned != nil {
		properties["ProvisionedConcurrencyConfig"] = provisioned
	}
	alias := f.add(f.alias, "AWS::Lambda::Alias", properties)
	f.transform.made[f.id+".Alias"], f.transform.made[f.id+".Version"] = f.alias, version
	f.target = target{m: f.maker, id: f.alias, alias: true}
	f.shift(alias, preference)
}

// unpublished refuses what only a published function can have.
func (f *function) unpublished(values map[string]any, sha string, preference *properties) {
	for _, name := range sortedKeys(values) {
		if values[name] != nil {
			f.invalid("To set %s AutoPublishAlias must be defined on the function", name)
		}
	}
	if sha != "" {
		f.invalid("To set AutoPublishCodeSha256 AutoPublishAlias must be defined on the function")
	}
	if preference == nil {
		return
	}
	if enabled, given := preference.flag("Enabled"); enabled || !given {
		f.invalid("'DeploymentPreference' requires AutoPublishAlias property to be specified.")
	}
}

// describe adds the digest of the code to the function's description, so that
// other code is another function.
func (f *function) describe(sha string) {
	switch text := f.made["Description"].(type) {
	case nil:
		f.made["Description"] = sha
	case string:
		f.made["Description"] = text + " " + sha
	default:
		f.made["Description"] = map[string]any{"Fn::Join": []any{" ", []any{text, sha}}}
	}
}

// version makes a version, whose logical id changes with the code.
func (f *function) version(everything bool, sha string, description, deletion any) string {
	id := f.id + "Version"
	switch {
	case sha != "":
		id += sha[:min(10, len(sha))]
	case everything:
		id += f.digest(f.made)
	default:
		hashed := map[string]any{}
		maps.Copy(hashed, f.made["Code"].(map[string]any))
		for _, name := range []string{"Environment", "MemorySize", "SnapStart"} {
			if f.made[name] != nil {
				hashed[name] = f.made[name]
			}
		}
		id += f.digest(hashed)
	}
	properties := map[string]any{"FunctionName": ref(f.id)}
	if description != nil {
		properties["Description"] = description
	}
	made := f.add(id, "AWS::Lambda::Version", properties)
	switch {
	case made["DeletionPolicy"] != nil: // the function's own
	case deletion != nil:
		made["DeletionPolicy"] = deletion
	default:
		made["DeletionPolicy"] = "Retain"
	}
	return id
}
