// The commands of the `temper` program, one function each: arguments after the command's name in, exit code out. They throw
// temper's errors; main turns those into one line and the documented exit code.
#pragma once

#include <string>
#include <vector>

namespace temper {

int run_command(const std::vector<std::string>& args);
int sweep_command(const std::vector<std::string>& args);
int resume_command(const std::vector<std::string>& args);
int status_command(const std::vector<std::string>& args);
int eval_command(const std::vector<std::string>& args);
int dump_command(const std::vector<std::string>& args);
int verify_command(const std::vector<std::string>& args);
int cache_command(const std::vector<std::string>& args);
int compare_command(const std::vector<std::string>& args);
int report_command(const std::vector<std::string>& args);
int generate_command(const std::vector<std::string>& args);
int chat_command(const std::vector<std::string>& args);
int tokenize_command(const std::vector<std::string>& args);
int logits_command(const std::vector<std::string>& args);
int import_command(const std::vector<std::string>& args);
int export_command(const std::vector<std::string>& args);
int data_command(const std::vector<std::string>& args);
int classifier_command(const std::vector<std::string>& args);
int score_command(const std::vector<std::string>& args);

}  // namespace temper
