package argo

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/aphex/aphex-pipeline/internal/plan"
)

// A pod of a run has no token but those below, each mounted into the containers that
// need it. The volume of the token for AWS has the name and the place that EKS gives
// it: where EKS finds the volume and the variables, it adds none.
const (
	awsTokenVolume     = "aws-iam-token"
	awsTokenFolder     = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
	awsAudience        = "sts.amazonaws.com"
	clusterTokenVolume = "cluster-token"
	clusterTokenFolder = "/var/run/secrets/kubernetes.io/serviceaccount" // where clients look
	clusterAuthority   = "kube-root-ca.crt"                              // ConfigMap that Kubernetes keeps in every namespace
	tokenFile          = "token"
	tokenLasts         = 60 * 60 // seconds; the kubelet renews it before
)

// annotationSkip names to EKS the containers of a pod that it must leave as they are.
const annotationSkip = "eks.amazonaws.com/skip-containers"

// untouched lists all containers of any pod of a run, Argo's too.
func untouched() string {
	return strings.Join([]string{"init", "wait", Main, Commands, TestCommands}, ",")
}

// tokens returns the volumes of the tokens that the stages of a pod need.
func tokens(p pod) []corev1.Volume {
	volumes := []corev1.Volume{tokenVolume(awsTokenVolume, awsAudience)}
	for _, step := range p.steps {
		if step.Cluster {
			volume := tokenVolume(clusterTokenVolume, "")
			volume.Projected.Sources = append(volume.Projected.Sources, corev1.VolumeProjection{ConfigMap: &corev1.ConfigMapProjection{
				LocalObjectReference: corev1.LocalObjectReference{Name: clusterAuthority}, Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
			}})
			volumes = append(volumes, volume)
			break
		}
	}
	return volumes
}

// builderVolume is the name of the volume with the certificates for the image builder.
const builderVolume = "image-builder"

// builderVolumes returns that volume, for a pod whose first step builds images.
func (g *graph) builderVolumes(p pod) []corev1.Volume {
	if !buildsImages(p.first()) {
		return nil
	}
	var files []corev1.KeyToPath
	for _, name := range []string{"ca.pem", "cert.pem", "key.pem"} {
		files = append(files, corev1.KeyToPath{Key: name, Path: name})
	}
	return []corev1.Volume{{Name: builderVolume, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: g.cfg.ImageBuilder.TLSSecretName}, Items: files}},
	}}}}}
}

func buildsImages(step plan.Step) bool {
	return slices.ContainsFunc(step.Inputs, func(input plan.Input) bool { return input.Name == plan.BuilderInput })
}

// tokenVolume holds a token for an audience; "" is the API of the cluster.
func tokenVolume(name, audience string) corev1.Volume {
	return corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Audience: audience, ExpirationSeconds: ptr(int64(tokenLasts)), Path: tokenFile}},
	}}}}
}

// tokenMounts are the tokens and certificates of the container of a step.
func tokenMounts(step plan.Step) []corev1.VolumeMount {
	mounts := []corev1.VolumeMount{{Name: awsTokenVolume, MountPath: awsTokenFolder, ReadOnly: true}}
	if step.Cluster {
		mounts = append(mounts, corev1.VolumeMount{Name: clusterTokenVolume, MountPath: clusterTokenFolder, ReadOnly: true})
	}
	if buildsImages(step) {
		mounts = append(mounts, corev1.VolumeMount{Name: builderVolume, MountPath: plan.BuilderFolder, ReadOnly: true})
	}
	return mounts
}

// role names to AWS clients the role of a step, and the token to take it on with.
func (g *graph) role(step plan.Step) []corev1.EnvVar {
	_, role := g.identityOf(step)
	return []corev1.EnvVar{
		{Name: "AWS_ROLE_ARN", Value: g.place.RoleARN(role)},
		{Name: "AWS_WEB_IDENTITY_TOKEN_FILE", Value: path.Join(awsTokenFolder, tokenFile)},
	}
}

// identityOf returns the ServiceAccount and the role of a step.
func (g *graph) identityOf(step plan.Step) (account, role string) {
	switch step.Identity {
	case plan.Validator:
		return g.names.Validator, g.names.ValidatorRole
	case plan.Builder:
		return g.names.Builder, g.names.BuilderRole
	case plan.Updater:
		return g.names.Updater, g.names.UpdaterRole
	case plan.Deployer:
		return g.names.Deployer(step.Access), g.names.DeployerRole(step.Access)
	case plan.Reconciler:
		return g.names.Reconciler, g.names.ReconcilerRole
	case plan.Recorder:
	}
	return g.names.Recorder, g.names.RecorderRole
}
