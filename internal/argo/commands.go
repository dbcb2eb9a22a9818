package argo

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// Commands of the repository run in containers of their own, as another user, with no
// token, no variable and no file of the stage's container: native sidecars (init containers
// that are restarted), which Argo knows nothing about. The server in them runs what the
// stage asks for; its address is on the loopback interface of the pod.
const (
	Commands     = "commands"      // container for the commands of a pod
	TestCommands = "test-commands" // container for those of the tests, if their image is another one
)

const (
	commandsPort  = 7000 // of the first; each further one has the next
	noTokenVolume = "no-token"
	memoryFolder  = "/dev/shm"
	memorySize    = "64Mi" // as container runtimes give by default
)

// serve starts the server at an address, in few words, as each environment of a template
// repeats them. An image without the program keeps its container for longer than the stage
// waits for the server: otherwise the kubelet would start it again and again, and nothing
// else of the pod until the pod's deadline.
func serve(address string) []string {
	return []string{"sh", "-c", "hash commands||sleep 90;exec commands serve " + address}
}

// commandsContainer is a container for commands.
type commandsContainer struct {
	name, address string
	image         string
	need          string // key of what it requests
}

func (c commandsContainer) tmp() string    { return c.name + "-tmp" }
func (c commandsContainer) memory() string { return c.name + "-shm" }

// commands returns the containers for the commands of a pod: one for each image of its
// steps, in the order in which they are first used.
func (g *graph) commands(p pod) ([]commandsContainer, error) {
	var all []commandsContainer
	for index, step := range p.steps {
		number := g.commandsOf(p, index)
		if !step.Commands || number < len(all) {
			continue
		}
		image, err := g.commandsImage(toolsOfStage(step.Contract))
		if err != nil {
			return nil, fmt.Errorf("commands of stage %s: %w", step.Contract.Name(), err)
		}
		c := commandsContainer{name: commandsNames[number], address: commandsAddress(number), image: image, need: running}
		switch {
		case number > 0:
			c.need = waiting
		case toolsOfStage(step.Contract) == "builder":
			c.need = building
		}
		all = append(all, c)
	}
	return all, nil
}

// toolsOfStage returns the program whose image has the tools for the commands of a stage: that of
// the stage, or of the build if the stage builds, too.
func toolsOfStage(c contract.Contract) string {
	if c.Name() == "deployer-plan" {
		return "builder"
	}
	return c.Program()
}

var commandsNames = []string{Commands, TestCommands}

func commandsAddress(number int) string { return fmt.Sprintf("127.0.0.1:%d", commandsPort+number) }

// commandsSecret is the file with the secret of a container for commands that several
// stages use; no command sees it.
func commandsSecret(number int) string { return path.Join(folder, commandsNames[number]+".secret") }

// commandsOf returns the number of the container for the commands of a step: later steps
// share that of the first, unless their image is another one.
func (g *graph) commandsOf(p pod, index int) int {
	first, own := p.first().Contract.Program(), p.steps[index].Contract.Program()
	if index == 0 || g.cfg.OwnImage(first) == "" && g.cfg.OwnImage(own) == "" {
		return 0
	}
	firstImage, _ := g.commandsImage(first)
	if ownImage, _ := g.commandsImage(own); toolsOf(firstImage) == toolsOf(ownImage) {
		return 0
	}
	return 1
}

// commandsImage returns the image for the commands of a program's stages: the one that the
// configuration names, if it names any.
func (g *graph) commandsImage(program string) (string, error) {
	if g.cfg.OwnImage(program) == "" {
		return g.image(program)
	}
	return g.cfg.Image(program)
}

// toolsOf returns an image without what tells the images of deployer and tester of one
// release apart: both have the same tools.
func toolsOf(image string) string {
	name := image[strings.LastIndexByte(image, '/')+1:]
	if rest, is := strings.CutPrefix(name, "tester"); is && !strings.Contains(rest, "@") && (rest == "" || rest[0] == ':') {
		return strings.TrimSuffix(image, name) + "deployer" + rest
	}
	return image
}

// commandsVolumes are what containers for commands may write to, each for itself, and an
// empty folder where clients look for the token of a pod.
func (g *graph) commandsVolumes(all []commandsContainer) []corev1.Volume {
	var volumes []corev1.Volume
	for _, c := range all {
		memory := resource.MustParse(memorySize)
		volumes = append(volumes, g.spaceVolume(c.tmp()), corev1.Volume{Name: c.memory(), VolumeSource: corev1.VolumeSource{
			EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory, SizeLimit: &memory},
		}})
	}
	if len(all) > 0 {
		volumes = append(volumes, g.emptyVolume(noTokenVolume))
	}
	return volumes
}

// sidecar is a container for commands, in the order in which it is written: what differs
// between pipelines and commits comes last, so that a policy can tell it from the rest.
type sidecar struct {
	Name            string                        `json:"name"`
	RestartPolicy   corev1.ContainerRestartPolicy `json:"restartPolicy"`
	Command         []string                      `json:"command"`
	Env             []corev1.EnvVar               `json:"env"`
	SecurityContext *corev1.SecurityContext       `json:"securityContext"`
	VolumeMounts    []corev1.VolumeMount          `json:"volumeMounts"`

	sidecarChoice
}

// sidecarChoice is the part of a sidecar that a commit decides.
type sidecarChoice struct {
	Image           string                      `json:"image"`
	ImagePullPolicy corev1.PullPolicy           `json:"imagePullPolicy"`
	Resources       corev1.ResourceRequirements `json:"resources"`
}

func (r *renderer) sidecarOf(c commandsContainer, chosen sidecarChoice) sidecar {
	security := containerSecurity()
	security.RunAsUser, security.RunAsGroup = ptr(int64(commandsUser)), ptr(int64(commandsUser))
	return sidecar{
		Name: c.name, RestartPolicy: corev1.ContainerRestartPolicyAlways, Command: serve(c.address),
		Env:             append([]corev1.EnvVar{{Name: "HOME", Value: tmpFolder}, {Name: "TMPDIR", Value: tmpFolder}}, r.outside()...),
		SecurityContext: security,
		VolumeMounts: append([]corev1.VolumeMount{
			{Name: c.tmp(), MountPath: tmpFolder},
			{Name: c.memory(), MountPath: memoryFolder},
			{Name: noTokenVolume, MountPath: clusterTokenFolder, ReadOnly: true},
		}, r.authorityMounts()...),
		sidecarChoice: chosen,
	}
}

// patchOf renders the containers for commands as a change of the specification of their
// pod, which Argo applies; "" without any.
func (g *graph) patchOf(all []commandsContainer) string {
	if len(all) == 0 {
		return ""
	}
	var sidecars []sidecar
	for _, c := range all {
		sidecars = append(sidecars, g.sidecarOf(c, sidecarChoice{c.image, pullPolicy(c.image), commandsResources(c.need, g.resourcesOf(c))}))
	}
	return encodePatch(sidecars)
}

// resourcesOf returns what the configuration says of a container for commands.
func (g *graph) resourcesOf(c commandsContainer) config.Resources {
	if c.need == building {
		return g.cfg.BuildResources()
	}
	return g.cfg.CommandResources()
}

func encodePatch(sidecars []sidecar) string {
	text, err := json.Marshal(map[string]any{"initContainers": sidecars})
	if err != nil {
		panic(err) // never: strings and numbers
	}
	return string(text)
}

// patchCondition is the condition that a patch is one that patchOf renders. Its choices
// are matched alone, as matching long texts costs too much.
func (r *renderer) patchCondition(patch string) string {
	const mark = `{"image":""`
	var fixed [2]string // a sidecar without its choices
	for number, name := range commandsNames {
		text, _, _ := strings.Cut(encodePatch([]sidecar{r.sidecarOf(commandsContainer{name: name, address: commandsAddress(number)}, sidecarChoice{})}), mark[1:])
		fixed[number] = text
	}
	head, end := fixed[0], "}]}"
	between := "}," + strings.TrimPrefix(fixed[1], `{"initContainers":[`)
	return fmt.Sprintf("(%[1]s.startsWith(%[2]s) && %[1]s.endsWith(%[3]s) && %[1]s.substring(%[4]d, size(%[1]s) - %[5]d).split(%[6]s).all(c, c.matches(%[7]s)))",
		patch, quote(head), quote(end), len(head), len(end), quote(between), quote(choicePattern))
}

// choicePattern matches a sidecarChoice without its braces.
const choicePattern = `^"image":"[A-Za-z0-9][A-Za-z0-9._:/@-]*","imagePullPolicy":"[A-Za-z]+","resources":` +
	`[{]"limits":[{]("[a-z-]+":"[0-9A-Za-z.]+",?)+[}],"requests":[{]("[a-z-]+":"[0-9A-Za-z.]+",?)+[}][}]$`
