// Strict and loose judgement. A blank text follows nothing, whatever the instruction. See verdict.h.
#include "verdict.h"

#include <algorithm>

#include "temper/error.h"
#include "unicode.h"

namespace temper::instruction_following {
namespace {

const nlohmann::json& need_list(const nlohmann::json& row, const char* name) {
  const auto found = row.is_object() ? row.find(name) : row.end();
  if (!row.is_object() || found == row.end() || !found->is_array()) {
    throw DataError("field '" + std::string(name) + "' is missing or no list; give one entry an instruction");
  }
  return *found;
}

bool all_of(const std::vector<bool>& verdicts) {
  return std::all_of(verdicts.begin(), verdicts.end(), [](bool followed) { return followed; });
}

}  // namespace

Instructions::Instructions(const nlohmann::json& row, const Options& options) {
  const auto& ids = need_list(row, "instruction_id_list");
  const auto& kwargs = need_list(row, "kwargs");
  if (ids.empty()) throw DataError("field 'instruction_id_list' is empty; give at least one instruction");
  if (ids.size() != kwargs.size()) {
    throw DataError("instruction_id_list has " + std::to_string(ids.size()) + " entries and kwargs has " +
                    std::to_string(kwargs.size()) + "; give one kwargs object an instruction");
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!ids[i].is_string()) throw DataError("instruction_id_list holds " + ids[i].dump() + ", must be a text");
    ids_.push_back(ids[i].get<std::string>());
    checks_.push_back(make_check(ids_.back(), kwargs[i], options));
  }
}

Instructions::Verdict Instructions::judge(const std::string& response) const {
  if (!is_valid_utf8(response)) throw DataError("the response is not valid UTF-8; convert it first");
  Verdict verdict;
  const auto forms = relaxed_forms(response);
  for (const Check& check : checks_) {
    const auto followed = [&](const std::string& text) { return !is_blank(text) && check(text); };
    verdict.strict.push_back(followed(response));
    verdict.loose.push_back(verdict.strict.back() || std::any_of(forms.begin() + 1, forms.end(), followed));
  }
  return verdict;
}

bool Instructions::Verdict::all_strict() const { return all_of(strict); }
bool Instructions::Verdict::all_loose() const { return all_of(loose); }

std::vector<std::string> relaxed_forms(const std::string& response) {
  const auto lines = split(response, "\n");
  const auto middle = [&](std::size_t cut_front, std::size_t cut_back) {
    if (lines.size() <= cut_front + cut_back) return std::string();
    const auto end = lines.end() - static_cast<std::ptrdiff_t>(cut_back);
    return strip(join({lines.begin() + static_cast<std::ptrdiff_t>(cut_front), end}, "\n"));
  };
  std::vector<std::string> forms = {response, middle(1, 0), middle(0, 1), middle(1, 1)};
  for (std::size_t i = 0; i < 4; ++i) forms.push_back(without(forms[i], '*'));
  return forms;
}

std::string family_of(const std::string& id) { return id.substr(0, id.find(':')); }

}  // namespace temper::instruction_following
