// The state file of a cleaning (see state.h).
#include "host/clean/state.h"

#include <nlohmann/json.hpp>

#include "host/util/files.h"

namespace temper::clean {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

std::string state_text(const CleaningState& state) {
  const Json json = {{"identity", state.identity},
                     {"pass", state.pass},
                     {"documents", state.documents},
                     {"place", state.place},
                     {"spools", state.spools},
                     {"digests", state.digests},
                     {"numbered", state.numbered},
                     {"sink", state.sink},
                     {"ledger", state.ledger},
                     {"finished", state.finished},
                     {"summary", summary_json(state.summary)}};
  return json.dump();
}

CleaningState read_state(const std::filesystem::path& path) {
  try {
    const Json json = Json::parse(read_text_file(path));
    CleaningState state;
    state.identity = json.at("identity");
    state.pass = json.at("pass");
    state.documents = json.at("documents");
    state.place = json.at("place");
    state.spools = json.at("spools").get<std::vector<std::uint64_t>>();
    state.digests = json.at("digests");
    state.numbered = json.at("numbered");
    state.sink = json.at("sink");
    state.ledger = json.at("ledger");
    state.finished = json.at("finished");
    state.summary = summary_of(json.at("summary"));
    return state;
  } catch (const Json::exception&) {
    throw DataError("'" + path.string() + "' is damaged; remove the folder it is in, or start again with --fresh");
  }
}

}  // namespace temper::clean
