"""Robots from MJCF and URDF, against MuJoCo's own forward dynamics, and what is refused of them."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symlnn
from symlnn._cli import main

mujoco = pytest.importorskip("mujoco")

HEAD = (
    '<mujoco><compiler angle="radian"/><option gravity="0.3 -0.2 -9.81"><flag contact="disable"/></option><worldbody>'
)
LINK = '<inertial pos="0.1 -0.05 0.3" mass="1.3" diaginertia="0.02 0.03 0.01" quat="0.9 0.1 0.3 -0.2"/>'
ROBOTS = {
    "skew hinges": f"""{HEAD}<body pos="0.1 0.2 0.3" quat="0.8 0.2 -0.4 0.1">
        <joint name="a" axis="0.3 -0.5 0.8" pos="0.05 0.02 -0.1" damping="0.4" armature="0.02" ref="0.3"/>{LINK}
        <body pos="0 0.1 0.5"><joint name="b" axis="1 2 -1" stiffness="3" springref="0.4"/>{LINK}</body>
        </body></worldbody></mujoco>""",
    "slides and a tree": f"""{HEAD}<body><joint name="x" type="slide" axis="1 0 0" damping="2" stiffness="5"/>{LINK}
        <body pos="0 0 0.2"><joint name="left" axis="0 1 0" frictionloss="0.3"/>{LINK}</body>
        <body pos="0.3 0 0"><joint name="lift" type="slide" axis="0 0.6 0.8" pos="0.1 0.2 0.3"/>
        <joint name="turn" axis="0 0 1" pos="0.2 0 0"/>{LINK}<body pos="0 0.2 0">{LINK}</body></body></body></worldbody>
        <actuator><motor name="push" joint="x" gear="3" ctrlrange="-2 2" ctrllimited="true"/>
        <position name="hold" joint="left" kp="7" kv="0.5"/><velocity name="lift" joint="lift" kv="2"/></actuator>
        </mujoco>""",
    "a geometry": """<mujoco><compiler angle="degree"/><option><flag contact="disable"/></option>
        <worldbody><body><joint name="a" axis="0 1 0" range="-60 90"/><geom type="capsule" fromto="0 0 0 0.4 0 0"
        size="0.05"/></body></worldbody></mujoco>""",
}
URDF = """<robot name="arm"><link name="base"/><link name="arm"><inertial><origin xyz="0 0 0.2" rpy="0.1 0.2 0.3"/>
    <mass value="1.5"/><inertia ixx="0.02" iyy="0.03" izz="0.015" ixy="0.001" ixz="0" iyz="0"/></inertial></link>
    <joint name="shoulder" type="revolute"><parent link="base"/><child link="arm"/><origin xyz="0 0 0.4"/>
    <axis xyz="0 1 0"/><limit lower="-2" upper="2" effort="5" velocity="3"/><dynamics damping="0.2"/></joint></robot>"""


def written(folder: Path, text: str, name: str = "robot.xml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.filterwarnings("ignore:The limits of its joints")
@pytest.mark.parametrize("text", [*ROBOTS.values(), URDF], ids=[*ROBOTS, "urdf"])
def test_accelerations_are_those_of_mujoco(text: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    system = symlnn.System.from_mjcf(path)
    states = symlnn.sample_states(system, 20, key=jax.random.key(0))
    # MuJoCo has dry friction as a constraint; ours is smooth, and compared without
    smooth = {symbol.name: 1e-300 for symbol in system.parameters if symbol.name.startswith("friction_")}
    ours = symlnn.accelerations(symlnn.SymbolicDynamics(system, smooth), states)
    model = mujoco.MjModel.from_xml_path(str(path))
    bits = mujoco.mjtDisableBit
    model.opt.disableflags |= int(bits.mjDSBL_LIMIT) | int(bits.mjDSBL_FRICTIONLOSS)
    data = mujoco.MjData(model)
    for k in range(20):
        data.qpos[:], data.qvel[:], data.ctrl[:] = states.q[k], states.v[k], states.u[k]
        mujoco.mj_forward(model, data)
        np.testing.assert_allclose(ours[k], data.qacc, rtol=1e-8, atol=1e-8 * np.abs(data.qacc).max())


def test_a_ball_joint_turns_as_mujocos_quaternion_does(tmp_path: Path) -> None:
    """The angular acceleration in the frame of the body, of the Euler angles' spin and its change."""
    path = written(
        tmp_path, f'{HEAD}<body><joint name="ball" type="ball" damping="0.3"/>{LINK}</body></worldbody></mujoco>'
    )
    system = symlnn.System.from_mjcf(path)
    assert [symbol.name for symbol in system.q] == ["ball_x", "ball_y", "ball_z"]
    law = symlnn.SymbolicDynamics(system)
    q, v = jnp.array([0.3, -0.5, 0.8]), jnp.array([1.0, -2.0, 0.5])

    def turned(q: jax.Array) -> jax.Array:
        (cx, cy, cz), (sx, sy, sz) = jnp.cos(q), jnp.sin(q)
        x = jnp.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
        y = jnp.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        return x @ y @ jnp.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])

    def spin(q: jax.Array, v: jax.Array) -> jax.Array:
        """In the frame of the body: Rᵀ Ṙ."""
        rate = turned(q).T @ jax.jvp(turned, (q,), (v,))[1]
        return jnp.array([rate[2, 1], rate[0, 2], rate[1, 0]])

    change = jax.jvp(spin, (q, v), (v, law.acceleration(q, v)))[1]
    model = mujoco.MjModel.from_xml_path(str(path))
    data = mujoco.MjData(model)
    mujoco.mju_mat2Quat(data.qpos, np.asarray(turned(q)).ravel())
    data.qvel[:] = spin(q, v)
    mujoco.mj_forward(model, data)
    np.testing.assert_allclose(change, data.qacc, rtol=1e-9)


@pytest.mark.slow
def test_the_seven_joint_arm_is_mujocos() -> None:
    system = symlnn.load_system("seven_joint_arm")
    assert (system.dof, len(system.u)) == (7, 7)
    states = symlnn.sample_states(system, 20, key=jax.random.key(0))
    ours = symlnn.accelerations(symlnn.SymbolicDynamics(system), states)
    model = mujoco.MjModel.from_xml_path(str(symlnn.system_path("seven_joint_arm").with_suffix(".xml")))
    data = mujoco.MjData(model)
    for k in range(20):
        data.qpos[:], data.qvel[:], data.ctrl[:] = states.q[k], states.v[k], states.u[k]
        mujoco.mj_forward(model, data)
        np.testing.assert_allclose(ours[k], data.qacc, rtol=1e-8, atol=1e-8 * np.abs(data.qacc).max())
    assert symlnn.cross_check(system, states=100).max_relative_error < 1e-10


def test_limits_and_contacts_are_said_to_be_left_out(tmp_path: Path) -> None:
    text = """<mujoco><worldbody><body><joint name="a" range="-60 90"/><geom size="0.1"/></body></worldbody></mujoco>"""
    with pytest.warns(UserWarning, match="contacts of its geoms, and the limits of its joints"):
        system = symlnn.System.from_mjcf(written(tmp_path, text), name="ball")
    assert system.name == "ball"
    np.testing.assert_allclose(system.states[system.coordinates[0]].bounds, np.deg2rad([-60, 90]))


BODY = '<body name="b"><joint name="a"/><geom name="g" size="0.1"/></body>'
REFUSED = {
    "free": (f"{HEAD}<body><freejoint name='f'/>{LINK}</body></worldbody></mujoco>", "<freejoint> f is not supported"),
    "still": (f"{HEAD}<body>{LINK}</body></worldbody></mujoco>", "has no joints"),
    "equality": (
        f"{HEAD}{BODY}<body name='c'><joint name='d'/>{LINK}</body></worldbody>"
        "<equality><joint joint1='a' joint2='d'/></equality></mujoco>",
        "<equality> number 0 is not supported",
    ),
    "tendon": (
        f"{HEAD}{BODY}</worldbody><tendon><fixed><joint joint='a' coef='1'/></fixed></tendon></mujoco>",
        "<tendon> number 0 is not supported",
    ),
    "dynamics": (
        f"{HEAD}{BODY}</worldbody><actuator><general name='m' joint='a' dyntype='filter' dynprm='1'/></actuator>"
        "</mujoco>",
        "<actuator> m is not supported",
    ),
    "water": (f"<mujoco><option density='1000'/><worldbody>{BODY}</worldbody></mujoco>", "without a medium"),
    "broken": ("<mujoco><worldbody>", "is no XML"),
    "unknown": ("<mujoco><worldbody><limb/></worldbody></mujoco>", "MuJoCo cannot read"),
    "include": (
        "<mujoco><include file='../secret.xml'/></mujoco>",
        "<include> of robot.xml names ../secret.xml, which is",
    ),
    "mesh": ("<mujoco><asset><mesh file='/etc/hosts'/></asset></mujoco>", "<mesh> of robot.xml names /etc/hosts"),
    "itself": ("<mujoco><include file='other.xml'/></mujoco>", "which includes it again"),
    "bomb": ("<!DOCTYPE a [<!ENTITY b 'c'>]><mujoco/>", "declares a document type"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In Python as a `ValueError`, on the command line as one line; and nothing is written."""
    written(tmp_path, "<mujoco><include file='other.xml'/></mujoco>", "other.xml")
    path = written(tmp_path, text)
    with pytest.raises(ValueError, match=re.escape(message)):
        symlnn.System.from_mjcf(path)
    out = tmp_path / "arm.py"
    with pytest.raises(SystemExit) as ended:
        main(["new", str(out), "--from", str(path)])
    assert ended.value.code == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not out.exists()


def test_a_robot_becomes_a_declaration_to_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = written(tmp_path, ROBOTS["slides and a tree"]), tmp_path / "arm.py"
    with pytest.raises(SystemExit) as ended:
        main(["new", str(out), "--from", str(path)])
    assert ended.value.code == 0, capsys.readouterr().err
    read, built = symlnn.load_system(str(out)), symlnn.System.from_mjcf(path)
    states = symlnn.sample_states(built, 5, key=jax.random.key(0))
    ours, theirs = (symlnn.accelerations(symlnn.SymbolicDynamics(s), states) for s in (read, built))
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)
