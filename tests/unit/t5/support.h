// The two tiny T5 models of tests/reference/t5 with the batch that their logits were made for.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "catch.h"
#include "t5.h"

namespace t5_test {

using namespace temper;

inline std::string reference_path(const std::string& name) {
  return std::string(TEMPER_SOURCE_DIR) + "/tests/reference/t5/" + name;
}

inline const nlohmann::json& reference() {
  static const nlohmann::json json = [] {
    std::ifstream file(reference_path("t5_reference.json"));
    return nlohmann::json::parse(file);
  }();
  return json;
}

inline at::Tensor matrix(const nlohmann::json& rows) {
  const auto values = rows.get<std::vector<std::vector<double>>>();
  at::Tensor result =
      at::empty({static_cast<std::int64_t>(values.size()), static_cast<std::int64_t>(values[0].size())}, at::kDouble);
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = 0; j < values[i].size(); ++j) {
      result.data_ptr<double>()[i * values[i].size() + j] = values[i][j];
    }
  }
  return result;
}

/// The float32 tensors of a safetensors file.
inline std::map<std::string, at::Tensor> read_tensors(const std::string& name) {
  std::ifstream file(reference_path(name), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::uint64_t header_size = 0;
  REQUIRE(bytes.size() > sizeof header_size);
  std::memcpy(&header_size, bytes.data(), sizeof header_size);
  std::map<std::string, at::Tensor> tensors;
  const auto header = nlohmann::json::parse(bytes.substr(8, header_size));
  for (const auto& [key, entry] : header.items()) {
    if (key == "__metadata__") continue;
    at::Tensor tensor = at::empty(entry["shape"].get<std::vector<std::int64_t>>(), at::kFloat);
    std::memcpy(tensor.data_ptr<float>(), bytes.data() + 8 + header_size + entry["data_offsets"][0].get<std::size_t>(),
                static_cast<std::size_t>(tensor.numel()) * sizeof(float));
    tensors[key] = tensor;
  }
  return tensors;
}

/// Parameters from a config.json through the plugin's own import.
inline t5::T5Params params_of(const std::string& config_json) {
  const auto imported = t5::t5_from_hugging_face(config_json);
  REQUIRE(imported.has_value());
  const auto table = t5::t5_params();
  ParamValues values = default_values(table.specs());
  for (const auto& [name, text] : imported->values) {
    const ParamValue& like = values.get(name).value;
    ParamValue value = text;
    if (std::holds_alternative<std::int64_t>(like)) value = std::int64_t{std::stoll(text)};
    if (std::holds_alternative<double>(like)) value = std::stod(text);
    if (std::holds_alternative<bool>(like)) value = text == "true";
    values.set(name, {value, ValueSource::kFile, "config.json"});
  }
  return table.parse(values);
}

/// `form` is t5_v1_0 or t5_v1_1.
inline std::unique_ptr<t5::T5> reference_model(const std::string& form) {
  auto model = std::make_unique<t5::T5>(params_of(reference()[form]["config"].dump()), Architecture::Args{40, 1});
  const auto tensors = read_tensors(form + ".safetensors");
  const at::NoGradGuard guard;
  std::size_t used = 0;
  for (auto& parameter : model->parameters()) {
    REQUIRE(tensors.count(parameter.name) == 1);
    REQUIRE(tensors.at(parameter.name).sizes() == parameter.tensor.sizes());
    parameter.tensor.copy_(tensors.at(parameter.name));
    ++used;
  }
  REQUIRE(used == tensors.size());
  model->train(false);
  return model;
}

inline ModelInput reference_input() {
  ModelInput input;
  input.ids_BT = matrix(reference()["target"]).to(at::kLong);
  input.source_ids_BS = matrix(reference()["source"]).to(at::kLong);
  input.source_segments_BS = matrix(reference()["mask"]).to(at::kLong) - 1;
  return input;
}

inline double gap(const at::Tensor& a, const at::Tensor& b) {
  REQUIRE(a.sizes() == b.sizes());
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

}  // namespace t5_test
