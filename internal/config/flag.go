package config

// FileFlag names the file of a configuration. Its field is a flag of the programs that read one.
type FileFlag struct {
	Config string `short:"c" help:"Configuration file." default:"aphex-config.yaml" placeholder:"FILE"`
}
