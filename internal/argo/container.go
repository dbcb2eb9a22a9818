package argo

import (
	"fmt"
	"path"
	"slices"
	"strings"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// A stage's container can write to two folders, each an empty volume: that of its pod,
// and /tmp. Files for commands of the repository come from /tmp, which their container
// has of its own at the same path.
const (
	volume    = "aphex"
	folder    = "/aphex"
	homeDir   = folder + "/home"
	tmpVolume = "tmp"
	tmpFolder = "/tmp"
)

// Numeric ids of the users of a pod. The commands of the repository run as the user of
// the images (65532 is "nonroot" of the distroless images, free in Debian's), and the
// stages as one that no image knows. The group of the volumes is no user's own, so that
// it opens no file of either to the other.
const (
	commandsUser = 65532
	stageUser    = 65533
	volumesGroup = 65531
)

// stages renders the template of the stages of a pod.
func (g *graph) stages(name string, p pod) (wfv1.Template, error) {
	container, err := g.container(p)
	if err != nil {
		return wfv1.Template{}, err
	}
	commands, err := g.commands(p)
	if err != nil {
		return wfv1.Template{}, err
	}
	account, _ := g.identityOf(p.first())
	template := wfv1.Template{
		Name:                  name,
		Inputs:                wfv1.Inputs{Parameters: g.inputs(p)},
		RetryStrategy:         retryOf(p.first()),
		ActiveDeadlineSeconds: ptr(intstr.FromInt32(deadlineOf(p.first()))),
		ServiceAccountName:    account,
		Container:             &container,
		PodSpecPatch:          g.patchOf(commands),
		Volumes:               slices.Concat([]corev1.Volume{g.spaceVolume(volume), g.spaceVolume(tmpVolume)}, g.commandsVolumes(commands), tokens(p), g.builderVolumes(p)),
	}
	for index, step := range p.steps {
		template.Outputs.Parameters = append(template.Outputs.Parameters, outputs(step, p.container(index))...)
	}
	return template, nil
}

// deadlineOf returns how long the pod of a step may take, in seconds.
func deadlineOf(step plan.Step) int32 {
	if (pod{[]plan.Step{step}}).waits() {
		return deadlineOfRun
	}
	return deadlineOfStage
}

// retryOf returns when the pod of a step is made again. One that waits for days outlives many nodes.
func retryOf(step plan.Step) *wfv1.RetryStrategy {
	strategy := retry()
	if (pod{[]plan.Step{step}}).waits() {
		strategy.Limit, strategy.Backoff = ptr(intstr.FromInt32(retryLimitOfWait)), &wfv1.Backoff{Duration: retryAfter}
	}
	return strategy
}

// container renders the container that runs the stages of a pod, one after another. A
// variable that a later one has another value of stands there under a name of its own.
func (g *graph) container(p pod) (corev1.Container, error) {
	step := p.first()
	image, err := g.image(step.Contract.Program())
	if err != nil {
		return corev1.Container{}, fmt.Errorf("stage %s: %w", step.Contract.Name(), err)
	}
	container := corev1.Container{
		Name:            Main,
		Image:           image, // Kubernetes pulls it again as pullPolicy says
		Command:         step.Contract.Command,
		Resources:       resources(step.Contract.Name(), g.cfg.PodLimits),
		SecurityContext: containerSecurity(),
		VolumeMounts: append([]corev1.VolumeMount{
			{Name: volume, MountPath: folder}, {Name: tmpVolume, MountPath: tmpFolder},
		}, tokenMounts(step)...),
	}
	for index, step := range p.steps {
		env, err := g.env(p, index)
		if err != nil {
			return corev1.Container{}, fmt.Errorf("stage %s: %w", step.Contract.Name(), err)
		}
		if index == 0 {
			container.Env = env
			continue
		}
		container.Env = append(container.Env, differing(container.Env, env, step)...)
	}
	if len(p.steps) > 1 {
		container.Command = stage.StepsCommand()
		for _, step := range p.steps {
			container.Args = append(container.Args, strings.Join(step.Contract.Command, " "))
		}
	}
	return container, nil
}

// differing returns the variables of a later step of a pod that are not those of the first.
// An input that only the first is given is empty for it, which counts as not given.
func differing(first, own []corev1.EnvVar, step plan.Step) []corev1.EnvVar {
	given := func(all []corev1.EnvVar, name string) int {
		return slices.IndexFunc(all, func(v corev1.EnvVar) bool { return v.Name == name })
	}
	var env []corev1.EnvVar
	for _, variable := range own {
		if !slices.Contains(first, variable) {
			env = append(env, corev1.EnvVar{Name: stage.StepVariable(step.Contract.Program(), variable.Name), Value: variable.Value})
		}
	}
	for _, input := range step.Contract.Inputs {
		if given(first, input.Env) >= 0 && given(own, input.Env) < 0 {
			env = append(env, corev1.EnvVar{Name: stage.StepVariable(step.Contract.Program(), input.Env)})
		}
	}
	return env
}

// image returns the image of a stage: the release's, which no commit can change. Where
// none were chosen, as for a template that is only shown, the configuration decides.
func (g *graph) image(program string) (string, error) {
	if g.place.Images != "" {
		return g.place.Images.Of(program), nil
	}
	return g.cfg.Image(program)
}

func (g *graph) emptyVolume(name string) corev1.Volume {
	most := resource.MustParse(g.cfg.PodLimits.Storage)
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: &most}}}
}

func (g *graph) inputs(p pod) []wfv1.Parameter {
	var parameters []wfv1.Parameter
	for _, given := range p.all() {
		if g.varying[templateOf(p)][given.parameter] {
			parameters = append(parameters, wfv1.Parameter{Name: given.parameter})
		}
	}
	return parameters
}

// env renders the variables of a step's inputs, of the frame and of the SDK.
func (g *graph) env(p pod, index int) ([]corev1.EnvVar, error) {
	step, givens, values := p.steps[index], p.givens(index), []string{}
	for _, given := range givens {
		value, err := g.expression(given.source)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", given.parameter, err)
		}
		switch {
		case g.varying[templateOf(p)][given.parameter]:
			value = inputExpression(given.parameter)
		case given.source == plan.Source{Kind: plan.Parameter, Text: plan.Branch}:
			value = literalBranch
		case given.source == plan.Source{Kind: plan.Parameter, Text: plan.Reason}:
			value = literalReason
		case given.source == plan.Source{Kind: plan.Run, Text: plan.RunFailures}:
			value = literalFailures
		case given.source.Kind == plan.Literal:
			value = literal(value)
		}
		values = append(values, value)
	}
	if p.waits() && g.varying[templateOf(p)][environmentInput] {
		values[0] = plan.Wait(inputExpression(environmentInput))
	}
	var env []corev1.EnvVar
	for i, input := range step.Inputs {
		// There is a template for each account: what the stage has as its default is left out.
		isDefault := step.Environment != "" && input.Source.Kind == plan.Literal && input.Source.Text == input.Default
		if value := values[i+1]; value != "" && !isDefault {
			env = append(env, corev1.EnvVar{Name: input.Env, Value: value})
		}
	}
	return slices.Concat(env, g.frame(p, index, values[0]), g.role(step)), nil
}

// literal doubles every $, so that the kubelet does not replace $(NAME) in the value of a
// variable (Kubernetes API, EnvVar.value).
func literal(value string) string { return strings.ReplaceAll(value, "$", "$$") }

// literalBranch does the same at the start of the run, for the one parameter with
// arbitrary text: a branch may be called feature/$(HOME).
const literalBranch = `{{=sprig.replace("$", "$$", workflow.parameters.` + plan.Branch + `)}}`

// literalFailures does the same for the failures of a run, whose messages code of the
// repository can write. Argo would evaluate expressions in them: no two braces stay in a
// row. The text stays JSON.
const literalFailures = `{{=sprig.replace("$", "$$", sprig.replace("{", "{ ", workflow.` + plan.RunFailures + `))}}`

// literalReason does the same for what a person writes.
const literalReason = `{{=sprig.replace("$", "$$", sprig.replace("{", "{ ", workflow.parameters.` + plan.Reason + `))}}`

func inputExpression(name string) string { return "{{inputs.parameters." + name + "}}" }

// frame renders the inputs that every stage has in addition to its own. Its log is JSON by default,
// as a pod has no terminal. Runs of the reconciler are not recorded.
func (g *graph) frame(p pod, index int, stepName string) []corev1.EnvVar {
	step := p.steps[index]
	values := map[string]string{
		"outputs": path.Join(folder, OutputsOf(p.container(index))), "workflow": runFact(plan.RunName),
		stepInput: stepName, "records": g.place.Bucket,
	}
	if step.Identity == plan.Reconciler {
		delete(values, "records")
	}
	if step.Commands {
		values["commands"] = commandsAddress(g.commandsOf(p, index))
		if len(p.steps) > 1 {
			values["commands-secret"] = commandsSecret(g.commandsOf(p, index))
		}
	}
	var env []corev1.EnvVar
	for _, param := range stage.FrameInputs() {
		if values[param.Name] == "" {
			continue
		}
		env = append(env, corev1.EnvVar{Name: param.Env, Value: values[param.Name]})
	}
	return append(env,
		corev1.EnvVar{Name: "AWS_REGION", Value: g.place.Region},
		corev1.EnvVar{Name: "HOME", Value: homeDir},
		corev1.EnvVar{Name: "TMPDIR", Value: tmpFolder},
	)
}

// outputs declares every output of the stage. The default keeps a missing file from hiding
// the error of a failed stage.
func outputs(step plan.Step, container string) []wfv1.Parameter {
	var parameters []wfv1.Parameter
	for _, output := range step.Contract.Outputs {
		parameters = append(parameters, wfv1.Parameter{Name: output.Name, ValueFrom: &wfv1.ValueFrom{
			Path: path.Join(folder, OutputsOf(container), output.Name), Default: wfv1.AnyStringPtr(""),
		}})
	}
	return parameters
}

// retry runs a step again if its pod was lost or if it reported a temporary failure; a
// failed build or stack is never repeated.
func retry() *wfv1.RetryStrategy {
	return &wfv1.RetryStrategy{
		Limit:       ptr(intstr.FromInt32(retryLimit)),
		RetryPolicy: wfv1.RetryPolicyAlways,
		Expression:  retryExpression,
		Backoff:     &wfv1.Backoff{Duration: retryAfter, Factor: ptr(intstr.FromInt32(retryFactor))},
	}
}

// pullPolicy pulls again if the name may refer to another image later. It is the default of Kubernetes,
// which the stages have.
func pullPolicy(image string) corev1.PullPolicy {
	name := image[strings.LastIndexByte(image, '/')+1:]
	if !strings.Contains(name, ":") || strings.HasSuffix(name, ":latest") {
		return corev1.PullAlways
	}
	return corev1.PullIfNotPresent
}

// podSecurity, containerSecurity and those of podPatch satisfy the "restricted" Pod Security level.
func podSecurity() *corev1.PodSecurityContext {
	return &corev1.PodSecurityContext{
		RunAsNonRoot: ptr(true), RunAsUser: ptr(int64(stageUser)), RunAsGroup: ptr(int64(stageUser)), FSGroup: ptr(int64(volumesGroup)),
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}

// gracePeriod is how many seconds a stage has to stop its commands and to write its
// record when its pod is deleted or passes its deadline.
const gracePeriod = "30"

func containerSecurity() *corev1.SecurityContext {
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: ptr(false), ReadOnlyRootFilesystem: ptr(true),
		Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
}
