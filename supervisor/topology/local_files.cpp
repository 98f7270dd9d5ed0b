#include "supervisor/topology/local_files.h"

#include "supervisor/topology/key_table.h"
#include "supervisor/topology/placement.h"
#include "supervisor/topology/secret_file.h"
#include "supervisor/topology/suggest.h"
#include "supervisor/topology/value_parts.h"

#include <unistd.h>

namespace mpsup::topology {

namespace {

class Search {
public:
    std::vector<std::string> run(const Topology& share) {
        for (const auto& [point, hooks] : share.hooks) programs("hooks", hooks);
        for (const WorkerSpec& worker : share.workers)
            if (!is_gateway(worker)) look(worker); // what that names its pool names
        return std::move(missing_);
    }

private:
    void look(const WorkerSpec& worker) {
        const std::string where = "workers." + worker.name + ".";
        for (const Key& key : all_keys())
            if (key.is_held() && key.applies_to(worker.kind))
                if (const auto value = key.value_in(worker))
                    look(key, where + std::string(key.path_in_worker()), *value);
        for (std::size_t i = 0; i < worker.front->routes.size(); ++i)
            for (const Key& key : all_keys())
                if (key.is_of_a_route() && key.get_of_route)
                    if (const auto value = key.get_of_route(worker.front->routes[i]))
                        look(key, where + "routes[" + std::to_string(i) + "]." + std::string(key.name()), *value);
    }

    void look(const Key& key, const std::string& name, const Value& value) {
        switch (key.type) {
        case Type::file:
        case Type::folder: return file(name, std::get<std::string>(value), key.type == Type::folder);
        case Type::command: return program(name, std::get<std::vector<std::string>>(value));
        case Type::hooks: return programs(name, std::get<std::vector<Hook>>(value));
        case Type::environment: return secrets(name, std::get<Environment>(value));
        case Type::certificates:
            for (const auto& [cert, private_key] : std::get<Pairs>(value)) {
                file(name, cert, false);
                file(name, private_key, false);
            }
            return;
        default: return;
        }
    }

    void file(const std::string& name, const std::string& path, bool is_folder) {
        if (path.empty()) return;
        if (const std::string why = why_unusable(path, is_folder); !why.empty()) missing_.push_back(name + ": " + why);
    }
    void program(const std::string& name, const std::vector<std::string>& command) {
        if (!command.empty() && ::access(command.front().c_str(), X_OK) != 0)
            missing_.push_back(name + ": " + in_ticks(command.front()) + " cannot be executed");
    }
    void programs(const std::string& name, const std::vector<Hook>& hooks) {
        for (const Hook& hook : hooks) program(name, hook.exec);
    }
    void secrets(const std::string& name, const Environment& environment) {
        for (const auto& [variable, spec] : environment) {
            if (!spec.is_secret()) continue;
            if (const auto secret = read_secret(spec.secret_file); !secret)
                missing_.push_back(name + "." + variable + ": " + secret.error().why);
        }
    }

    std::vector<std::string> missing_;
};

} // namespace

std::vector<std::string> missing_files(const Topology& share) { return Search().run(share); }

} // namespace mpsup::topology
