"""Arm of seven joints, of the proportions of a lightweight robot, from the MJCF file beside this one.

Masses and inertias are parameters, each joint has damping, the inertia of its rotor (armature), and a motor.

Source: written for this catalogue, with the lengths and masses of the KUKA LBR iiwa 7 rounded; MuJoCo is its oracle.
"""

from pathlib import Path

from symlnn import System

GROUP = "robots"

SYSTEM = System.from_mjcf(Path(__file__).with_name("seven_joint_arm.xml"))
