package argo

import (
	"fmt"
	"path"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// A stage's container has one writable folder, a volume of its own.
const (
	volume       = "aphex"
	folder       = "/aphex"
	outputsDir   = folder + "/outputs"
	temporaryDir = folder + "/tmp"
)

// user is the numeric id that the images run as (65532 is "nonroot" of the
// distroless images, free in Debian's).
const user = 65532

// stage renders the template of one stage from one of its steps.
func (r *renderer) stage(name string, step plan.Step) (wfv1.Template, error) {
	env, err := r.env(step)
	if err != nil {
		return wfv1.Template{}, fmt.Errorf("stage %s: %w", step.Contract.Name(), err)
	}
	return wfv1.Template{
		Name:          name,
		Inputs:        wfv1.Inputs{Parameters: r.inputs(step)},
		Outputs:       wfv1.Outputs{Parameters: outputs(step)},
		RetryStrategy: retry(),
		Volumes:       []corev1.Volume{{Name: volume, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
		Container: &corev1.Container{
			Image:           image(r.cfg, step.Contract.Program()),
			Command:         step.Contract.Command,
			Env:             env,
			VolumeMounts:    []corev1.VolumeMount{{Name: volume, MountPath: folder}},
			Resources:       requests(),
			SecurityContext: containerSecurity(),
		},
	}, nil
}

func (r *renderer) inputs(step plan.Step) []wfv1.Parameter {
	varying := r.varying[step.Contract.Name()]
	var parameters []wfv1.Parameter
	if varying[stepInput] {
		parameters = append(parameters, wfv1.Parameter{Name: stepInput})
	}
	for _, input := range step.Inputs {
		if varying[input.Name] {
			parameters = append(parameters, wfv1.Parameter{Name: input.Name})
		}
	}
	return parameters
}

// env gives every input its variable, and the frame and the SDK theirs.
func (r *renderer) env(step plan.Step) ([]corev1.EnvVar, error) {
	varying := r.varying[step.Contract.Name()]
	var env []corev1.EnvVar
	for _, input := range step.Inputs {
		value, err := expression(input.Source)
		if err != nil {
			return nil, fmt.Errorf("input %q: %w", input.Name, err)
		}
		if varying[input.Name] {
			value = inputExpression(input.Name)
		}
		env = append(env, corev1.EnvVar{Name: input.Env, Value: value})
	}
	stepName := step.Name
	if varying[stepInput] {
		stepName = inputExpression(stepInput)
	}
	return append(env, r.frame(stepName)...), nil
}

func inputExpression(name string) string { return "{{inputs.parameters." + name + "}}" }

// frame renders the inputs that every stage takes beside its own.
func (r *renderer) frame(stepName string) []corev1.EnvVar {
	values := map[string]string{
		"outputs": outputsDir, "log-format": "json", "workflow": runFact(plan.RunName),
		stepInput: stepName, "records": r.place.Bucket,
	}
	var env []corev1.EnvVar
	for _, param := range stage.FrameInputs() {
		env = append(env, corev1.EnvVar{Name: param.Env, Value: values[param.Name]})
	}
	return append(env,
		corev1.EnvVar{Name: "AWS_REGION", Value: r.place.Region},
		corev1.EnvVar{Name: "TMPDIR", Value: temporaryDir},
	)
}

// outputs declares every output of the stage. The default keeps a failed
// stage's own error in front of a complaint about a missing file.
func outputs(step plan.Step) []wfv1.Parameter {
	var parameters []wfv1.Parameter
	for _, output := range step.Contract.Outputs {
		parameters = append(parameters, wfv1.Parameter{Name: output.Name, ValueFrom: &wfv1.ValueFrom{
			Path: path.Join(outputsDir, output.Name), Default: wfv1.AnyStringPtr(""),
		}})
	}
	return parameters
}

// retry runs a step again when its pod was lost or when it said that the
// fault was temporary; a failed build or stack is never repeated.
func retry() *wfv1.RetryStrategy {
	return &wfv1.RetryStrategy{
		Limit:       ptr(intstr.FromInt32(retryLimit)),
		RetryPolicy: wfv1.RetryPolicyAlways,
		Expression:  retryExpression,
		Backoff:     &wfv1.Backoff{Duration: retryAfter, Factor: ptr(intstr.FromInt32(2))},
	}
}

func image(cfg *config.Config, program string) string {
	return map[string]string{
		"validator": cfg.ValidatorImage, "builder": cfg.BuilderImage,
		"deployer": cfg.DeployerImage, "tester": cfg.TesterImage,
	}[program]
}

func requests() corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Requests: corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("250m"), corev1.ResourceMemory: resource.MustParse("512Mi"),
	}}
}

// podSecurity and containerSecurity satisfy the "restricted" Pod Security level.
func podSecurity() *corev1.PodSecurityContext {
	return &corev1.PodSecurityContext{
		RunAsNonRoot: ptr(true), RunAsUser: ptr(int64(user)), RunAsGroup: ptr(int64(user)), FSGroup: ptr(int64(user)),
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
}

func containerSecurity() *corev1.SecurityContext {
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: ptr(false), ReadOnlyRootFilesystem: ptr(true),
		Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
}
