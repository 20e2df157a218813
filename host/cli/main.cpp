// The `temper` program: finds the command, runs it, and turns what it throws into one line and an exit code. No logic.
#include <c10/util/Exception.h>
#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "host/cli/commands.h"
#include "host/plugin/plugins_command.h"
#include "host/run/facts.h"
#include "host/util/cancel.h"
#include "temper/error.h"
#include "temper/params.h"

namespace {

struct Command {
  const char* name;
  const char* summary;
  std::function<int(const std::vector<std::string>&)> run;
};

const std::vector<Command>& commands() {
  static const std::vector<Command> all = {
      {"run", "run an experiment: train its stages, evaluate each, write the record", temper::run_command},
      {"sweep", "run an experiment for many values and seeds, what they share once", temper::sweep_command},
      {"resume", "go on with a stopped run or sweep exactly where it was", temper::resume_command},
      {"status", "what a run or sweep has done so far", temper::status_command},
      {"eval", "run evaluators on a finished model", temper::eval_command},
      {"compare", "compare stages and runs, with intervals and paired tests", temper::compare_command},
      {"report", "one HTML page about runs or a sweep: tables, curves, what changed", temper::report_command},
      {"dump", "records as CSV tables or TensorBoard event files, for other programs", temper::dump_command},
      {"verify", "whether records, checkpoints, sweeps and cache entries are intact", temper::verify_command},
      {"cache", "what runs share: list, verify, prune", temper::cache_command},
      {"generate", "let a trained model answer a prompt", temper::generate_command},
      {"chat", "talk with a trained model, or several in turn", temper::chat_command},
      {"score", "judge answers that any system wrote", temper::score_command},
      {"data", "clean raw texts into a corpus, with an account of every document", temper::data_command},
      {"classifier", "train, test and apply text classifiers, e.g. for refusal and toxicity", temper::classifier_command},
      {"tokenize", "show a text's tokens", temper::tokenize_command},
      {"logits", "logits of a model for given token ids", temper::logits_command},
      {"import", "take over a model from a Hugging Face folder or a GGUF file", temper::import_command},
      {"export", "write a model as a Hugging Face folder", temper::export_command},
      {"plugins", "list, describe, check and create plugins",
       [](const std::vector<std::string>& args) { return temper::plugins_command(args, std::cout, std::cerr); }},
  };
  return all;
}

void print_help() {
  std::printf(
      "temper %s: train language models through their stages, measure and compare them\n\nusage: temper COMMAND ...\n\n",
      temper::program_version().c_str());
  for (const auto& command : commands()) std::printf("  %-10s %s\n", command.name, command.summary);
  std::printf(
      "\n`temper COMMAND --help` tells more. Exit codes: 0 all was done, 1 a run ended early (diverged) or an internal "
      "error,\n"
      "2 wrong usage or experiment, 3 wrong or missing data, 4 a plugin is at fault, 130 stopped by the user.\n");
}

int run_named(const std::string& name, const std::vector<std::string>& args) {
  std::vector<std::string> names;
  for (const auto& command : commands()) {
    if (command.name == name) return command.run(args);
    names.emplace_back(command.name);
  }
  const auto suggestion = temper::nearest_name(name, names);
  throw temper::ConfigError("unknown command '" + name + "'" +
                            (suggestion ? "; did you mean '" + *suggestion + "'?" : "; `temper --help` lists them"));
}

}  // namespace

int main(int argc, char** argv) {
  // Activations come and go in megabytes every step; handing them back to the kernel each time costs a page fault a page.
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  // A file beyond the user's limit is then an error like a full disk, with a sentence, instead of a sudden death.
  std::signal(SIGXFSZ, SIG_IGN);
  temper::install_cancel_handler();
  const std::vector<std::string> args(argv + 1, argv + argc);
  try {
    if (args.empty() || args[0] == "--help" || args[0] == "-h" || args[0] == "help") {
      print_help();
      return args.empty() ? 2 : 0;
    }
    if (args[0] == "--version") {
      std::printf("temper %s\n", temper::program_version().c_str());
      return 0;
    }
    return run_named(args[0], {args.begin() + 1, args.end()});
  } catch (const temper::Error& error) {
    std::fprintf(stderr, "temper: %s\n", error.what());
    return error.exit_code();
  } catch (const c10::Error& error) {
    std::fprintf(stderr, "temper: internal error in LibTorch: %s\n", error.what_without_backtrace());
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "temper: internal error: %s\n", error.what());
    return 1;
  }
}
