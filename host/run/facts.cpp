// Machine facts (see facts.h).
#include "host/run/facts.h"

#include <sys/utsname.h>

#include <fstream>
#include <thread>

#include "temper/abi_tag.h"

namespace temper {

std::string program_version() { return TEMPER_TAG_SDK; }

std::map<std::string, std::string> host_facts() {
  std::map<std::string, std::string> facts;
  utsname names{};
  if (uname(&names) == 0) {
    facts["hostname"] = names.nodename;
    facts["os"] = std::string(names.sysname) + " " + names.release;
  }
  facts["cores"] = std::to_string(std::thread::hardware_concurrency());
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    const auto colon = line.find(": ");
    if (colon != std::string::npos) facts["cpu"] = line.substr(colon + 2);
    break;
  }
  facts["libtorch"] = TEMPER_TAG_TORCH;
  return facts;
}

}  // namespace temper
