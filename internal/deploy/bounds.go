package deploy

import (
	"bytes"
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/aphex/aphex-pipeline/internal/awsauth/bootstrap"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// bounds are what the assembly of an environment may reach: its account, its
// regions, the CDK bootstraps with its qualifiers, and files of the workspace. An
// assembly is written by the code that is deployed, so that nothing that it names
// is believed before it was compared with the configuration.
type bounds struct {
	account    string
	regions    []string
	qualifiers []string
	here       func(region string) assembly.Placeholders
	records    string                          // bucket that no asset goes to
	workspace  string                          // folder
	published  map[string][]assembly.FileAsset // by object, as "bucket/key"

	found []string            // what lies outside
	lacks map[string][]string // values that a person may add to keys of the environment
	wrong bool                // something that no key may allow was found

	listed map[string]bool // stacks with what they lack
}

// checkBounds refuses targets that name anything outside of their environment. It
// is called before a role of the assembly is assumed.
func (j *job) checkBounds(targets []target) error {
	b := j.bounds()
	for _, t := range targets {
		b.publish(t)
	}
	for _, t := range targets {
		b.stack(t)
	}
	if len(b.found) == 0 {
		return nil
	}
	slices.Sort(b.found)
	err := errs.Invalidf("the CDK app reaches outside of environment %s (account %s; %s; bootstrap %s):\n  %s", j.Name, j.Account,
		strings.Join(b.regions, ", "), strings.Join(b.qualifiers, ", "), strings.Join(slices.Compact(b.found), "\n  "))
	return err.WithHint("%s", j.fixes(b, "correct the stack synthesizer of the app, or deploy the stack in an environment of that account"))
}

// fixes says what makes that fit to the environment: keys of the configuration, or else
// what corrects the app.
func (j *job) fixes(b *bounds, correct string) string {
	var keys []string
	if more := b.lacks["regions"]; more != nil {
		keys = append(keys, "regions: ["+strings.Join(slices.Concat(j.Regions, more), ", ")+"]")
	}
	if more := b.lacks["bootstrapQualifiers"]; more != nil {
		keys = append(keys, `bootstrapQualifiers: ["`+strings.Join(slices.Concat(b.qualifiers, more), `", "`)+`"]`)
	}
	var fixes []string
	if keys != nil {
		fixes = append(fixes, fmt.Sprintf("if this is intended, write in environment %s of the configuration: %s", j.Name, strings.Join(keys, " and ")))
	}
	if b.wrong {
		fixes = append(fixes, correct)
	}
	return strings.Join(fixes, "; ")
}

func (j *job) bounds() *bounds {
	return &bounds{
		account: j.Account, regions: config.ReachedRegions(j.Region, j.Regions), qualifiers: j.qualifiers(),
		here: j.here, records: j.engine.Records, workspace: j.Workspace, published: map[string][]assembly.FileAsset{}, lacks: map[string][]string{}, listed: map[string]bool{},
	}
}

// checkRole refuses a role outside of the environment that the assets need: files
// that commands write while assets are published name roles too, such as docker's
// credentials.
func (j *job) checkRole(role assembly.Role, region string) error {
	b := j.bounds()
	if b.role(target{}, "the role", role.ARN, region); len(b.found) == 0 {
		return nil
	}
	return errs.Invalidf("%s, out of environment %s", strings.TrimPrefix(b.found[0], "stack : "), j.Name).
		WithHint("%s", j.fixes(b, "correct the role"))
}

// qualifiers are those of the CDK bootstraps that may be used, at least one.
func (r Request) qualifiers() []string {
	if len(r.Qualifiers) == 0 {
		return []string{bootstrap.DefaultQualifier}
	}
	return r.Qualifiers
}

func (b *bounds) outside(t target, format string, args ...any) {
	b.wrong = true
	b.add(t, format, args...)
}

func (b *bounds) add(t target, format string, args ...any) {
	b.found = append(b.found, "stack "+t.name+": "+fmt.Sprintf(format, args...))
}

// lacking is outside for what a further value of a key of the environment may allow. A
// stack that lacks it is listed once.
func (b *bounds) lacking(t target, key, value, format string, args ...any) {
	if !config.Accepts[config.Environment](key, value) {
		b.outside(t, format, args...)
		return
	}
	if !slices.Contains(b.lacks[key], value) {
		b.lacks[key] = append(b.lacks[key], value)
	}
	if once := t.name + " " + key + " " + value; !b.listed[once] {
		b.listed[once] = true
		b.add(t, format, args...)
	}
}

func (b *bounds) stack(t target) {
	stack := t.stack
	if account := stack.Environment.Account; account != "" && account != b.account {
		b.outside(t, "it is for account %s", account)
	}
	b.region(t, "it", t.region)
	b.role(t, "the deploy role", stack.DeployRole.ARN, t.region)
	b.role(t, "the execution role", stack.ExecutionRole, t.region)
	b.role(t, "the lookup role", stack.LookupRole.ARN, t.region)
	b.template(t)
	legacy, _ := stack.LegacyAssets(t.root, "", "") // to a bucket that the bootstrap stack of the account names
	for _, list := range append(slices.Clone(stack.Assets), legacy) {
		for _, file := range list.Files {
			for _, to := range file.Destinations {
				region := b.destination(t, "asset "+file.Name, to.Region, to.Role)
				b.bucket(t, "the bucket of asset "+file.Name, b.here(region).Resolve(to.Bucket))
			}
		}
		for _, image := range list.Images {
			for _, to := range image.Destinations {
				region := b.destination(t, "image "+image.Name, to.Region, to.Role)
				b.resource(t, "the repository of image "+image.Name, b.here(region).Resolve(to.Repository))
			}
			b.build(t, image, list.Root)
		}
	}
}

// destination checks where an asset goes and gives its region.
func (b *bounds) destination(t target, what, region string, role assembly.Role) string {
	region = cmp.Or(strings.TrimSpace(b.here(t.region).Resolve(region)), t.region)
	b.region(t, what, region)
	b.role(t, "the role that publishes "+what, role.ARN, region)
	return region
}

func (b *bounds) region(t target, what, region string) {
	if !slices.Contains(b.regions, region) {
		b.lacking(t, "regions", region, "%s is for region %s", what, region)
	}
}

// role checks a role that is assumed in a region, or that CloudFormation assumes.
func (b *bounds) role(t target, what, text, region string) {
	if text == "" {
		return
	}
	here := b.here(region)
	text = here.Resolve(text)
	role, err := arn.Parse(text)
	path, isRole := strings.CutPrefix(role.Resource, "role/")
	switch {
	case err != nil || role.Service != "iam" || !isRole || strings.Contains(text, "${"):
		b.outside(t, "%s %s is not the ARN of a role", what, text)
	case role.AccountID != b.account:
		b.outside(t, "%s %s is of account %s", what, text, role.AccountID)
	case role.Partition != here.Partition:
		b.outside(t, "%s %s is of partition %s", what, text, role.Partition)
	default:
		b.resource(t, what, path[strings.LastIndex(path, "/")+1:])
	}
}

// bucket checks the bucket of a file. That of the pipeline's records is written by the
// pipeline alone: an app that names no role, or one that does not exist, publishes with the
// pipeline's own credentials, which may write there.
func (b *bounds) bucket(t target, what, name string) {
	if path, _, _ := strings.Cut(name, "/"); b.records != "" && strings.EqualFold(path, b.records) {
		b.outside(t, "%s, %s, is that of the pipeline's own artifacts and records", what, name)
	}
	b.resource(t, what, name)
}

// resource checks the name of a role, bucket or repository. The name of one that
// no bootstrap made says nothing: the account's access decides then, and for a
// bucket its owner is compared by S3.
func (b *bounds) resource(t target, what, name string) {
	made, isBootstrap := bootstrap.Of(name)
	switch {
	case !isBootstrap:
		return
	case made.Account != b.account:
		b.outside(t, "%s %s is of account %s", what, name, made.Account)
		return
	}
	if !slices.Contains(b.regions, made.Region) {
		b.lacking(t, "regions", made.Region, "%s %s is of region %s", what, name, made.Region)
	}
	if !slices.Contains(b.qualifiers, made.Qualifier) {
		b.lacking(t, "bootstrapQualifiers", made.Qualifier, "%s %s is of the bootstrap %s", what, name, made.Qualifier)
	}
}

// template checks that the template that CloudFormation reads is one that the
// stack's assets publish, and that no other asset is published there: what is
// compared and shown is the file, and what is deployed is the object.
func (b *bounds) template(t target) {
	if t.stack.TemplateURL == "" {
		return
	}
	given := b.here(t.region).Resolve(t.stack.TemplateURL)
	object, isPublished := objectOf(given), false
	for _, list := range t.stack.Assets {
		for _, file := range list.Files {
			isPublished = isPublished || file.Path == t.stack.Template && slices.Contains(b.objects(t, file), object)
		}
	}
	if !isPublished {
		b.outside(t, "the URL of the template, %s, is not where an asset of the stack publishes it", given)
		return
	}
	for _, file := range b.published[object] {
		if !holds(file, t.stack.Template) {
			b.outside(t, "asset %s publishes something else to where its template is, %s", file.Name, given)
		}
	}
}

// publish notes where the files of a stack are published.
func (b *bounds) publish(t target) {
	for _, list := range t.stack.Assets {
		for _, file := range list.Files {
			for _, object := range b.objects(t, file) {
				b.published[object] = append(b.published[object], file)
			}
		}
	}
}

// objects gives where a file is published, each as "bucket/key".
func (b *bounds) objects(t target, file assembly.FileAsset) (objects []string) {
	for _, to := range file.Destinations {
		here := b.here(cmp.Or(strings.TrimSpace(b.here(t.region).Resolve(to.Region)), t.region))
		objects = append(objects, here.Resolve(to.Bucket)+"/"+here.Resolve(to.Key))
	}
	return objects
}

// maxRemoteTemplate is the size of the largest template that CloudFormation reads by URL, in bytes.
const maxRemoteTemplate = 1 << 20

// holds reports whether an asset is a template, or a copy of it: stacks with
// equal templates have equal keys.
func holds(file assembly.FileAsset, template string) bool {
	if file.Zip || len(file.Command) > 0 {
		return false
	}
	if file.Path == template {
		return true
	}
	one, err := limits.ReadFile(file.Path, maxRemoteTemplate)
	if err != nil {
		return false
	}
	other, err := limits.ReadFile(template, maxRemoteTemplate)
	return err == nil && bytes.Equal(one, other)
}

// objectOf gives what a URL of S3 names, as "bucket/key".
func objectOf(text string) string {
	if object, isS3 := strings.CutPrefix(text, "s3://"); isS3 {
		return object
	}
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme != "https" || parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "" {
		return ""
	}
	host, found := strings.CutSuffix(strings.TrimSuffix(parsed.Hostname(), ".cn"), ".amazonaws.com")
	split := strings.LastIndex(host, ".s3.") // the name of a bucket may have it too
	switch {
	case !found:
		return ""
	case split >= 0:
		return host[:split] + parsed.Path
	case strings.HasSuffix(host, ".s3"):
		return strings.TrimSuffix(host, ".s3") + parsed.Path
	case host == "s3", strings.HasPrefix(host, "s3."):
		return strings.TrimPrefix(parsed.Path, "/")
	}
	return ""
}

// build checks which files and registries the options of an image's build name.
func (b *bounds) build(t target, image assembly.ImageAsset, root string) {
	if image.Build == nil {
		return
	}
	for _, option := range assets.OptionsOutside(*image.Build, root, b.workspace) {
		b.outside(t, "image %s: %s", image.Name, option)
	}
}
