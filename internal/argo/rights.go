package argo

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// annotationRole is EKS's annotation for the IAM role of the pods of a ServiceAccount.
const annotationRole = "eks.amazonaws.com/role-arn"

// rightsGroup is the API group of Roles.
const rightsGroup = "rbac.authorization.k8s.io"

// accounts renders the pipeline's ServiceAccounts. Those that do not use AWS have no role
// there, and only the Sensor's pod gets the token of its account by default.
func (r *renderer) accounts() []object {
	runs, events := r.cfg.ArgoNamespace, r.cfg.ArgoEventsNamespace
	submitter := r.account(events, r.names.Submitter, "")
	submitter.AutomountServiceAccountToken = nil
	accounts := []object{
		r.recorder(),
		r.account(runs, r.names.Validator, r.names.ValidatorRole),
		r.builder(),
		r.account(runs, r.names.Updater, r.names.UpdaterRole),
		r.account(runs, r.names.Executor, ""),
		r.executorToken(),
		submitter,
		r.account(events, r.names.Receiver, ""),
	}
	if plan.HasReconciler(r.cfg) {
		accounts = append(accounts, r.account(runs, r.names.Reconciler, r.names.ReconcilerRole))
	}
	for _, access := range plan.AccessesOf(r.cfg) {
		account := r.account(runs, r.names.Deployer(access), r.names.DeployerRole(access))
		account.Annotations[annotationAccess] = access.String()
		annotateSecrets(account, plan.SecretsOf(r.cfg, access))
		accounts = append(accounts, account)
	}
	return accounts
}

// builder renders the account of the build, with the role of its commands.
func (r *renderer) builder() *corev1.ServiceAccount {
	account := r.account(r.cfg.ArgoNamespace, r.names.Builder, r.names.BuilderRole)
	if role := r.cfg.Build.RoleARN; role != "" {
		account.Annotations[annotationAccess] = role
	}
	annotateSecrets(account, plan.BuildSecrets(r.cfg))
	return account
}

// recorder renders the account of the record of a run, with what notifications need.
func (r *renderer) recorder() *corev1.ServiceAccount {
	account := r.account(r.cfg.ArgoNamespace, r.names.Recorder, r.names.RecorderRole)
	annotateSecrets(account, plan.NotificationSecrets(r.cfg))
	if topics := plan.NotificationTopics(r.cfg); topics != nil {
		account.Annotations[annotationTopics] = strings.Join(topics, " ")
	}
	return account
}

func annotateSecrets(account *corev1.ServiceAccount, secrets []config.Secret) {
	if len(secrets) > 0 {
		account.Annotations[annotationSecrets] = SecretNames(secrets)
	}
}

// annotationSecrets says which secrets the pods of a ServiceAccount may read, for commands or
// for notifications.
const annotationSecrets = "aphex.dev/secrets"

// annotationTopics says which topics the pods of a ServiceAccount may publish to.
const annotationTopics = "aphex.dev/topics"

// ApprovedTopics returns the topics that annotations of a ServiceAccount approve; "" is none.
func ApprovedTopics(annotations map[string]string) string { return annotations[annotationTopics] }

// SecretNames names secrets as [ApprovedSecrets] returns them.
func SecretNames(secrets []config.Secret) string {
	var names []string
	for _, secret := range secrets {
		names = append(names, secret.String())
	}
	return strings.Join(names, " ")
}

// ApprovedSecrets returns the secrets that annotations of a ServiceAccount approve; "" is none.
func ApprovedSecrets(annotations map[string]string) string { return annotations[annotationSecrets] }

// annotationAccess says which roles the pods of a ServiceAccount may assume. Only a person
// writes it.
const annotationAccess = "aphex.dev/access"

// RecorderAccount refers to the ServiceAccount of the records of runs.
func RecorderAccount(cfg *config.Config, place plan.Place) manifest.Object {
	return manifest.Object{Kind: "ServiceAccount", Namespace: cfg.ArgoNamespace, Name: plan.NamesOf(cfg, place).Recorder}
}

// BuilderAccount refers to the ServiceAccount of the build.
func BuilderAccount(cfg *config.Config, place plan.Place) manifest.Object {
	return manifest.Object{Kind: "ServiceAccount", Namespace: cfg.ArgoNamespace, Name: plan.NamesOf(cfg, place).Builder}
}

// DeployerAccount refers to the ServiceAccount of the deployments that use an access.
func DeployerAccount(cfg *config.Config, place plan.Place, access plan.Access) manifest.Object {
	return manifest.Object{Kind: "ServiceAccount", Namespace: cfg.ArgoNamespace, Name: plan.NamesOf(cfg, place).Deployer(access)}
}

// Approves reports whether a person who installed a ServiceAccount with these
// annotations approved an access.
func Approves(annotations map[string]string, access plan.Access) bool {
	return access.Within(Approved(annotations))
}

// Approved returns the access that annotations of a ServiceAccount approve, as
// [plan.Access.String] describes it; "" is none.
func Approved(annotations map[string]string) string { return annotations[annotationAccess] }

func (r *renderer) account(namespace, name, role string) *corev1.ServiceAccount {
	meta := r.meta(namespace, name, "identity")
	if role != "" {
		meta.Annotations = map[string]string{annotationRole: r.place.RoleARN(role)}
	}
	return &corev1.ServiceAccount{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"}, ObjectMeta: meta, AutomountServiceAccountToken: ptr(false),
	}
}

// executorToken renders the Secret that Argo mounts into its own containers, and into
// no other. Kubernetes writes the token into it.
func (r *renderer) executorToken() *corev1.Secret {
	meta := r.meta(r.cfg.ArgoNamespace, plan.TokenOf(r.names.Executor), "identity")
	meta.Annotations = map[string]string{corev1.ServiceAccountNameKey: r.names.Executor}
	return &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: meta, Type: corev1.SecretTypeServiceAccountToken,
	}
}

// grant is one Role with its subjects.
type grant struct {
	namespace, name string
	rules           []rbacv1.PolicyRule
	to              []rbacv1.Subject
}

// grants returns all permissions of the pipeline in the cluster. A rule is restricted to
// the names of its objects if Kubernetes allows it: creating by server-side apply can be
// restricted, creating under a name that is not known yet cannot.
func (r *renderer) grants() []grant {
	runs, events := r.cfg.ArgoNamespace, r.cfg.ArgoEventsNamespace
	updater, reconciler := subject(runs, r.names.Updater), subject(runs, r.names.Reconciler)
	grants := []grant{
		{runs, r.names.Executor, []rbacv1.PolicyRule{reportResults()}, []rbacv1.Subject{subject(runs, r.names.Executor)}},
		{runs, r.names.Updater, r.updateRuns(), []rbacv1.Subject{updater}},
		{events, r.names.Updater + "-events", r.updateEvents(), []rbacv1.Subject{updater}},
		{runs, r.names.Submitter, []rbacv1.PolicyRule{submitRuns()}, []rbacv1.Subject{subject(events, r.names.Submitter)}},
	}
	if plan.HasReconciler(r.cfg) {
		grants = append(grants,
			grant{runs, r.names.Reconciler, []rbacv1.PolicyRule{submitRuns()}, []rbacv1.Subject{reconciler}},
			grant{events, r.names.Reconciler + "-sensor", []rbacv1.PolicyRule{readSensor(r.cfg.SensorName)}, []rbacv1.Subject{reconciler}},
		)
	}
	return grants
}

func readSensor(name string) rbacv1.PolicyRule {
	return rule("argoproj.io", []string{"sensors"}, []string{"get"}, name)
}

// reportResults is the permission of the executor in every pod to report the step's
// outputs to the controller (Argo's documentation, "Workflow RBAC").
func reportResults() rbacv1.PolicyRule {
	return rule("argoproj.io", []string{"workflowtaskresults"}, []string{"create", "patch"})
}

func submitRuns() rbacv1.PolicyRule {
	return rule("argoproj.io", []string{"workflows"}, []string{"create"})
}

// updateRuns lets the pipeline apply a new version of its template, have Argo validate it,
// and remove old ones; check that the ServiceAccounts that it names exist; and start the
// run that continues with the new version.
func (r *renderer) updateRuns() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		seeAccounts(append(r.runners(), r.names.Executor)...),
		rule("argoproj.io", []string{"workflowtemplates", "workflows"}, changing(), versionNames(r.cfg.WorkflowTemplateName)...),
		rule("argoproj.io", []string{"cronworkflows"}, changing(), r.cfg.WorkflowTemplateName),
		submitRuns(),
	}
}

// runners lists the ServiceAccounts that the pods of a run may have.
func (r *renderer) runners() []string {
	accounts := []string{r.names.Recorder, r.names.Validator, r.names.Builder, r.names.Updater}
	if plan.HasReconciler(r.cfg) {
		accounts = append(accounts, r.names.Reconciler)
	}
	for _, access := range plan.AccessesOf(r.cfg) {
		accounts = append(accounts, r.names.Deployer(access))
	}
	return accounts
}

func (r *renderer) updateEvents() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		seeAccounts(r.names.Submitter, r.names.Receiver),
		rule("argoproj.io", []string{"eventsources"}, changing(), r.cfg.EventSourceName),
		rule("argoproj.io", []string{"sensors"}, changing(), r.cfg.SensorName),
		rule("", []string{"services"}, changing(), plan.WebhookService(r.cfg.EventSourceName)),
	}
}

func seeAccounts(names ...string) rbacv1.PolicyRule {
	return rule("", []string{"serviceaccounts"}, []string{"get"}, names...)
}

// changing returns the verbs of server-side apply and of removal.
func changing() []string { return []string{"get", "create", "patch", "delete"} }

func rule(group string, resources, verbs []string, names ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{group}, Resources: resources, Verbs: verbs, ResourceNames: names}
}

func subject(namespace, account string) rbacv1.Subject {
	return rbacv1.Subject{Kind: "ServiceAccount", Namespace: namespace, Name: account}
}

func (r *renderer) roles() []object {
	var objects []object
	for _, g := range r.grants() {
		meta := r.meta(g.namespace, g.name, "identity")
		objects = append(objects, &rbacv1.Role{
			TypeMeta: metav1.TypeMeta{APIVersion: rightsGroup + "/v1", Kind: "Role"}, ObjectMeta: meta, Rules: g.rules,
		}, &rbacv1.RoleBinding{
			TypeMeta: metav1.TypeMeta{APIVersion: rightsGroup + "/v1", Kind: "RoleBinding"}, ObjectMeta: meta, Subjects: g.to,
			RoleRef: rbacv1.RoleRef{APIGroup: rightsGroup, Kind: "Role", Name: g.name},
		})
	}
	return objects
}
