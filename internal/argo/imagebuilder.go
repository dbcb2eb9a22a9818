package argo

import (
	"fmt"
	"path"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// ImageBuilder is the BuildKit of a pipeline.
type ImageBuilder struct {
	Image        string // rootless, such as docker.io/moby/buildkit:v0.34.2-rootless
	Certificates string // digest of what it reads when it starts: another one replaces its pod
}

// Where the image expects things, and where its pod has them.
const (
	builderUser         = 1000 // of the image; others need an image of their own
	builderSocket       = "unix:///run/user/1000/buildkit/buildkitd.sock"
	builderState        = "/home/user/.local/share/buildkit"
	builderConfig       = "/etc/aphex/buildkit"
	builderFile         = "buildkitd.toml"
	builderCertificates = "/etc/aphex/certificates"
	builderAuthorities  = "/etc/aphex/authorities"
)

// AnnotationCertificates holds, on the pods of a BuildKit, the digest of what they read when
// they start.
const AnnotationCertificates = "aphex.dev/certificates"

// Limits of the cache, which is on the disk of the node and is gone with the pod.
const (
	builderCache = "15GB"
	builderDisk  = "20Gi"
)

// builderSettings is the configuration of the daemon. A Dockerfile is code of theirs: it gets no
// entitlement, and the frontends that it may name are those of Docker.
var builderSettings = fmt.Sprintf(`[grpc]
  address = [%q, "tcp://:%d"]
  [grpc.tls]
    ca = %q
    cert = %q
    key = %q

[frontend."gateway.v0"]
  allowedRepositories = ["docker.io/docker/dockerfile"]

[worker.oci]
  noProcessSandbox = true
  gc = true
  maxUsedSpace = %q

[worker.containerd]
  enabled = false

[cdi]
  disabled = true
`, builderSocket, plan.ImageBuilderPort, path.Join(builderCertificates, "ca.pem"), path.Join(builderCertificates, "cert.pem"),
	path.Join(builderCertificates, "key.pem"), builderCache)

// ImageBuilderObjects renders the BuildKit of a pipeline, in a namespace of its own: what runs
// without root in a user namespace needs system calls that the levels "restricted" and
// "baseline" forbid. The certificates are Secrets, which nothing renders.
func ImageBuilderObjects(cfg *config.Config, place plan.Place, b ImageBuilder) ([]manifest.Object, error) {
	r := newRenderer(cfg, place)
	namespace := &corev1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}, ObjectMeta: r.meta("", r.names.ImageBuilder, manifest.ImageBuilder)}
	namespace.Labels["pod-security.kubernetes.io/enforce"] = "privileged"
	settings := &corev1.ConfigMap{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: r.builderMeta(),
		Data: map[string]string{builderFile: builderSettings},
	}
	service := &corev1.Service{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: r.builderMeta(),
		Spec: corev1.ServiceSpec{Selector: r.builderSelector(), Ports: []corev1.ServicePort{{Name: "buildkit", Port: plan.ImageBuilderPort}}},
	}
	return encodeAll([]object{namespace, r.builderNetwork(), settings, service, r.builderDeployment(b)})
}

func (r *renderer) builderMeta() metav1.ObjectMeta {
	return r.meta(r.names.ImageBuilder, plan.ImageBuilder, manifest.ImageBuilder)
}

func (r *renderer) builderSelector() map[string]string {
	return map[string]string{manifest.LabelPipeline: r.names.Pipeline, manifest.LabelComponent: manifest.ImageBuilder}
}

// builderNetwork lets the pods of the pipeline's runs reach its BuildKit, and nothing else.
func (r *renderer) builderNetwork() *networkingv1.NetworkPolicy {
	policy := r.network(r.names.ImageBuilder, plan.ImageBuilder, manifest.ImageBuilder)
	policy.ObjectMeta = r.builderMeta()
	policy.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{
		Ports: []networkingv1.NetworkPolicyPort{{Protocol: ptr(corev1.ProtocolTCP), Port: ptr(intstr.FromInt32(plan.ImageBuilderPort))}},
		From: []networkingv1.NetworkPolicyPeer{{
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: r.cfg.ArgoNamespace}},
			PodSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{manifest.LabelPipeline: r.names.Pipeline, manifest.LabelComponent: "workflow"}},
		}},
	}}
	return policy
}

func (r *renderer) builderDeployment(b ImageBuilder) *appsv1.Deployment {
	spec := r.placement()
	spec.AutomountServiceAccountToken = ptr(false)
	spec.SecurityContext = &corev1.PodSecurityContext{
		RunAsNonRoot: ptr(true), RunAsUser: ptr(int64(builderUser)), RunAsGroup: ptr(int64(builderUser)), FSGroup: ptr(int64(builderUser)),
	}
	spec.Containers = []corev1.Container{r.builderContainer(b)}
	spec.Volumes = []corev1.Volume{
		{Name: "settings", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: plan.ImageBuilder}}}},
		{Name: "certificates", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: plan.ImageBuilder, DefaultMode: ptr(int32(0o440))}}},
		{Name: "state", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: ptr(resource.MustParse(builderDisk))}}},
	}
	if r.cfg.CABundle != nil {
		spec.Volumes = append(spec.Volumes, r.authorities())
	}
	return &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: r.builderMeta(),
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr(int32(1)),
			Selector: &metav1.LabelSelector{MatchLabels: r.builderSelector()},
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: r.podLabels(manifest.ImageBuilder), Annotations: map[string]string{AnnotationCertificates: b.Certificates}},
				Spec:       spec,
			},
		},
	}
}

// builderContainer is not privileged. The programs that map the users of its user namespace
// gain permissions, and runc and mounts need system calls that profiles forbid.
func (r *renderer) builderContainer(b ImageBuilder) corev1.Container {
	probe := func(every int32) *corev1.Probe {
		return &corev1.Probe{
			ProbeHandler:   corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"buildctl", "--addr", builderSocket, "debug", "workers"}}},
			TimeoutSeconds: 10, PeriodSeconds: every, FailureThreshold: 6,
		}
	}
	container := corev1.Container{
		Name: plan.ImageBuilder, Image: b.Image, Args: []string{"--config", path.Join(builderConfig, builderFile)},
		Env:            r.proxy(),
		Ports:          []corev1.ContainerPort{{Name: "buildkit", ContainerPort: plan.ImageBuilderPort}},
		ReadinessProbe: probe(5), LivenessProbe: probe(60),
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("250m"), corev1.ResourceMemory: resource.MustParse("512Mi"), corev1.ResourceEphemeralStorage: resource.MustParse("1Gi")},
			Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("4Gi"), corev1.ResourceEphemeralStorage: resource.MustParse(builderDisk)},
		},
		SecurityContext: &corev1.SecurityContext{
			Privileged: ptr(false), AllowPrivilegeEscalation: ptr(true),
			SeccompProfile:  &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined},
			AppArmorProfile: &corev1.AppArmorProfile{Type: corev1.AppArmorProfileTypeUnconfined},
		},
		VolumeMounts: []corev1.VolumeMount{
			{Name: "settings", MountPath: builderConfig, ReadOnly: true},
			{Name: "certificates", MountPath: builderCertificates, ReadOnly: true},
			{Name: "state", MountPath: builderState},
		},
	}
	r.trustAuthorities(&container)
	return container
}

// trustAuthorities has the daemon, a program of Go, and the git that it runs trust the authorities
// of the configuration. What a Dockerfile runs trusts those of its own image.
func (r *renderer) trustAuthorities(daemon *corev1.Container) {
	if r.cfg.CABundle == nil {
		return
	}
	for _, name := range []string{"SSL_CERT_FILE", "GIT_SSL_CAINFO"} {
		daemon.Env = append(daemon.Env, corev1.EnvVar{Name: name, Value: path.Join(builderAuthorities, path.Base(authorityFile))})
	}
	daemon.VolumeMounts = append(daemon.VolumeMounts, corev1.VolumeMount{Name: authorityVolume, MountPath: builderAuthorities, ReadOnly: true})
}
