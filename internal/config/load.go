package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

// Load puts the defaults, the file (if path is not empty), the environment and the flags over one another, in this order. flags
// holds what was given on the command line, by key.
func Load(path string, environ []string, flags map[string]string) (Config, error) {
	k := koanf.New(".")
	if path != "" {
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			return Config{}, fmt.Errorf("config file %s: %w", path, err)
		}
	}
	var errs []error
	engines, err := takeEngines(k)
	errs = append(errs, err)
	for _, key := range k.Keys() {
		if !slices.ContainsFunc(settings(), func(s Setting) bool { return s.Key == key }) {
			errs = append(errs, fmt.Errorf("%s: there is no setting of this name; `parley config` lists them all", key))
		}
	}
	if err := k.Load(confmap.Provider(fromEnv(environ), ""), nil); err != nil {
		return Config{}, err
	}
	set := map[string]any{}
	for key, v := range flags {
		set[key] = v
	}
	if err := k.Load(confmap.Provider(set, ""), nil); err != nil {
		return Config{}, err
	}
	c := Default()
	if err := decode(k, &c); err != nil {
		return Config{}, errors.Join(append(errs, err)...)
	}
	c.Engines = engines
	return c, errors.Join(append(errs, c.Check())...)
}

// takeEngines reads the engines map and takes it out of what is checked against the table.
func takeEngines(k *koanf.Koanf) (map[string]Engine, error) {
	engines := map[string]Engine{}
	if !k.Exists("engines") {
		return engines, nil
	}
	err := k.UnmarshalWithConf("engines", &engines, koanf.UnmarshalConf{})
	k.Delete("engines")
	if err != nil {
		return nil, fmt.Errorf("engines: %w", err)
	}
	return engines, nil
}

func fromEnv(environ []string) map[string]any {
	given := map[string]string{}
	for _, kv := range environ {
		if name, value, ok := strings.Cut(kv, "="); ok && strings.HasPrefix(name, "PARLEY_") {
			given[name] = value
		}
	}
	out := map[string]any{}
	for _, s := range settings() {
		if v, ok := given[s.Env]; ok {
			out[s.Key] = v
		}
	}
	return out
}

func decode(k *koanf.Koanf, c *Config) error {
	err := k.UnmarshalWithConf("", c, koanf.UnmarshalConf{FlatPaths: true, DecoderConfig: &mapstructure.DecoderConfig{
		Result: c, TagName: "koanf", WeaklyTypedInput: true, DecodeHook: mapstructure.ComposeDecodeHookFunc(
			mapstructure.TextUnmarshallerHookFunc(), splitList),
	}})
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	return nil
}

// splitList reads a comma-separated text as a list without blanks.
func splitList(from, to reflect.Type, v any) (any, error) {
	if from.Kind() != reflect.String || to != reflect.TypeFor[[]string]() {
		return v, nil
	}
	list := []string{}
	for part := range strings.SplitSeq(v.(string), ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list, nil
}

// Setting is a row of `parley config`.
type Setting struct {
	Key, Env, Default, Doc string
	secret                 string
	field                  int
}

// settings reads the table off the struct's tags.
func settings() []Setting {
	var out []Setting
	d := reflect.ValueOf(Default())
	for i := range d.NumField() {
		f := d.Type().Field(i)
		key := f.Tag.Get("koanf")
		if key == "-" {
			continue
		}
		out = append(out, Setting{
			Key: key, Env: EnvName(key), Default: show(d.Field(i)), Doc: f.Tag.Get("doc"), secret: f.Tag.Get("secret"), field: i,
		})
	}
	return out
}

// Settings lists every setting with its default and meaning.
func Settings() []Setting { return settings() }

// EnvName is the environment variable of a key.
func EnvName(key string) string {
	return "PARLEY_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func show(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case []string:
		return strings.Join(x, ",")
	default:
		return fmt.Sprint(x)
	}
}

// Value is what a setting holds in c; secrets are not shown.
func (s Setting) Value(c Config) string {
	v := show(reflect.ValueOf(c).Field(s.field))
	if s.secret != "" && v != "" {
		return "(set)"
	}
	return v
}

// Environ is the process's environment.
func Environ() []string { return os.Environ() }
