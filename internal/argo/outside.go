package argo

import (
	"encoding/json"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// The certificate authorities of the configuration, in every container that runs a stage or
// commands.
const (
	authorityVolume = "authorities"
	authorityFolder = "/etc/aphex"
	authorityFile   = authorityFolder + "/ca.pem"
)

// authorityVariables are those by which programs find their authorities: Go and OpenSSL,
// Node.js, AWS, Python, git, curl and npm.
var authorityVariables = []string{
	"SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE", "NPM_CONFIG_CAFILE",
}

// inside are the hosts that no proxy reaches: the pod itself, and the services of the
// cluster. The kubelet replaces the address of the API server.
var inside = []string{"localhost", "127.0.0.1", "::1", "$(KUBERNETES_SERVICE_HOST)", ".svc", ".cluster.local"}

// outside returns the variables by which a program reaches what is outside of the cluster.
// Some programs read those in lower case alone.
func (r *renderer) outside() []corev1.EnvVar {
	env := r.proxy()
	if r.cfg.CABundle != nil {
		for _, name := range authorityVariables {
			env = append(env, corev1.EnvVar{Name: name, Value: authorityFile})
		}
	}
	return env
}

// proxy returns the variables that name the proxy of the configuration.
func (r *renderer) proxy() []corev1.EnvVar {
	var env []corev1.EnvVar
	if proxy := r.cfg.Proxy; proxy != nil {
		for _, variable := range []struct{ name, value string }{
			{"HTTPS_PROXY", proxy.HTTPS}, {"HTTP_PROXY", proxy.HTTP}, {"NO_PROXY", strings.Join(append(inside[:len(inside):len(inside)], proxy.NoProxy...), ",")},
		} {
			if variable.value != "" {
				env = append(env, corev1.EnvVar{Name: variable.name, Value: variable.value}, corev1.EnvVar{Name: strings.ToLower(variable.name), Value: variable.value})
			}
		}
	}
	return env
}

// outsideOfMain adds the same to the container of the stages, in the patch of all pods, as
// it is the same for each; "" without any.
func (r *renderer) outsideOfMain() string {
	env := r.outside()
	if len(env) == 0 {
		return ""
	}
	return ", " + encoded(struct {
		Name         string               `json:"name"`
		Env          []corev1.EnvVar      `json:"env"`
		VolumeMounts []corev1.VolumeMount `json:"volumeMounts,omitempty"`
	}{Main, env, r.authorityMounts()})
}

func (r *renderer) authorityMounts() []corev1.VolumeMount {
	if r.cfg.CABundle == nil {
		return nil
	}
	return []corev1.VolumeMount{{Name: authorityVolume, MountPath: authorityFolder, ReadOnly: true}}
}

func (r *renderer) authorities() corev1.Volume {
	bundle := r.cfg.CABundle
	return corev1.Volume{Name: authorityVolume, VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: bundle.Name},
		Items:                []corev1.KeyToPath{{Key: bundle.Key, Path: strings.TrimPrefix(authorityFile, authorityFolder+"/")}},
	}}}
}

// spaceVolume is a volume for a workspace or temporary files: an empty folder on the disk
// of the node, or a volume of the configured class that lives as long as the pod.
func (g *graph) spaceVolume(name string) corev1.Volume {
	class := g.cfg.WorkspaceVolume
	if class == nil {
		return g.emptyVolume(name)
	}
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{
		VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			StorageClassName: &class.StorageClassName,
			Resources:        corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(g.cfg.PodLimits.Storage)}},
		}},
	}}}
}

// spaceCondition is the condition that a volume is one that is rendered, except for what
// the sources of projected ones are.
func (r *renderer) spaceCondition() string {
	if r.cfg.WorkspaceVolume == nil {
		return only("v", "name", "emptyDir", "projected")
	}
	claim := "v.ephemeral.volumeClaimTemplate"
	return only("v", "name", "emptyDir", "ephemeral", "projected") + " && (!has(v.ephemeral) || " + only("v.ephemeral", "volumeClaimTemplate") +
		" && " + only(claim, "spec", "metadata") + " && " + only(claim+".spec", "accessModes", "storageClassName", "resources") +
		" && " + claim + ".spec.storageClassName == " + quote(r.cfg.WorkspaceVolume.StorageClassName) + ")"
}

func encoded(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // never: texts
	}
	return string(text)
}
